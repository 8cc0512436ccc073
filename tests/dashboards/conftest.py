"""What tests of dashboards share: dashboards of a project and across projects, and their forms."""

import pytest

from console.accounts.models import Project
from console.core.db import db
from console.dashboards import links, making
from console.dashboards.document import Document
from console.dashboards.models import Dashboard
from tests.dashboards.documents import document
from tests.dashboards.sharing import greeting


@pytest.fixture
def make_dashboard(app, inside):
    """Make a dashboard of a project, or of its organization; answers its id and those of tiles."""

    def make(project: Project, own: Document | None = None, *, across: bool = False):
        with inside(project):
            here = db.session.get_one(Project, project.id)
            made = making.create(None if across else here, own or document())
            db.session.commit()
            return made.id, [tile.id for tile in Document.of(made.document).tiles]

    return make


@pytest.fixture
def stored_document(acme, inside):
    """The document of a dashboard as it is saved now."""

    def read(dashboard_id: int) -> Document:
        with inside(acme):
            return Document.of(db.session.get_one(Dashboard, dashboard_id).document)

    return read


@pytest.fixture
def share(acme, inside):
    """A function that makes a dashboard with a link; gives its path, and its link's id."""

    def made(text="Hello $customer", password="", **terms):
        with inside(acme):
            own = making.create(acme, greeting("Board", text))
            given = {"name": "Carol", "locked": {}, **terms}
            link, token = links.create(own, links.Terms(**given), password)
            db.session.commit()
            return f"/shared/{token}", link.id

    return made
