"""What tests of dashboards share: dashboards of a project and across projects, and their forms."""

import pytest

from console.accounts.models import Project
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document
from console.dashboards.models import Dashboard
from tests.dashboards.documents import document


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
