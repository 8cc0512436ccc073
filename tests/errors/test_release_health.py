"""Beside an issue's releases stand their adoption and their sessions without a crash."""

import re
from secrets import token_hex

import pytest
from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.errors.models import Issue
from console.telemetry.records import Batch, Session
from console.telemetry.store import EXTENSION

SESSIONS = [
    ("shop@1", "exited", 72),
    ("shop@1", "crashed", 8),
    ("shop@2", "exited", 10),
    ("shop@3", "exited", 10),
]


@pytest.fixture
def sessions(app, acme):
    at = clock.now()
    own = {"organization_id": acme.organization_id, "project_id": acme.id, "position": 1}
    rows = [
        Session(**own, session_id=token_hex(16), timestamp=at, received_at=at, release=release,
                status=status, quantity=quantity)
        for release, status, quantity in SESSIONS
    ]  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(sessions=rows), 1)


@pytest.fixture
def cells(as_vic, acme, send, inside):
    """The texts of the cells of each row of the panel, for an issue that two releases have."""

    def cells():
        for release in ("shop@1", "shop@2"):
            send(acme, release=release)
        with inside(acme):
            issue_id = db.session.scalars(select(Issue.id)).one()
        panel = as_vic.get(f"/acme/shop/issues/{issue_id}/releases").text
        rows = re.findall(r"<tr><td.*?</tr>", panel, re.DOTALL)
        leads = "metric=sessions.adoption" in panel
        assert leads == ("Adoption<" in panel), "it leads to all releases"
        texts = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in rows]
        return {row[0]: row[-2:] for row in texts}

    return cells


@pytest.mark.usefixtures("sessions")
def test_the_shares_of_a_release_stand_beside_it(cells):
    assert cells() == {"shop@1": ["80%", "90%"], "shop@2": ["10%", "–"]}


def test_without_sessions_nothing_is_claimed(cells):
    assert cells() == {name: ["production", "1"] for name in ("shop@1", "shop@2")}
