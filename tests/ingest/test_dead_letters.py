from collections.abc import Callable

import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.core import clock as time
from console.core.audit import AuditEntry
from console.core.db import db
from console.ingest.dead_letters import DeadLetter
from console.ingest.spool import SpoolRow
from tests.support.clients import HTMX

PAGE = "/acme/shop/dead-letters"
SENTINEL = "hunter2-of-the-customer"


@pytest.fixture
def bury(waiting) -> Callable[..., DeadLetter]:
    """`bury(project, reason)` makes a dead letter and returns it."""

    def make(project: Project, reason: str = "KeyError at sentry.py:84") -> DeadLetter:
        row = SpoolRow(
            organization_id=project.organization_id,
            project_id=project.id,
            key_id=1,
            received_at=time.now(),
            kind="sentry.envelope",
            body=b"{}\n" + SENTINEL.encode(),
            header={"items": "event, attachment", "address": SENTINEL},
        )
        waiting.append(row)
        waiting.bury(waiting.read()[-1], reason, attempts=3)
        letter: DeadLetter = waiting.dead(project.organization_id, project.id)[0]
        return letter

    return make


def test_the_page_says_what_failed_and_why_and_never_shows_what_was_sent(as_vic, acme, bury):
    bury(acme)
    page = as_vic.get(PAGE).text
    assert "KeyError at sentry.py:84" in page
    assert "event, attachment" in page
    assert "1 request" in page
    assert SENTINEL not in page


def test_an_empty_page_says_so(as_vic, acme, waiting):
    assert "No dead letters" in as_vic.get(PAGE).text


def test_a_poll_gets_the_part_and_nothing_when_nothing_changed(as_vic, acme, bury):
    bury(acme)
    part = as_vic.get(PAGE, headers=HTMX)
    assert part.text.startswith('<div id="dead-letters"')
    seen = HTMX | {"Pharos-Part": part.headers["Pharos-Part"]}
    assert as_vic.get(PAGE, headers=seen).status_code == 204


def test_retry_queues_it_again_and_swaps_the_list(as_alice, acme, bury, waiting):
    letter = bury(acme)
    answer = as_alice.post(f"{PAGE}/{letter.position}/retry", headers=HTMX)
    assert answer.text.startswith('<div id="dead-letters"')
    assert "No dead letters" in answer.text
    (row,) = waiting.read()
    assert (row.attempts, row.position > letter.position) == (3, True)


def test_without_htmx_one_is_sent_back_to_the_list(as_alice, acme, bury):
    answer = as_alice.post(f"{PAGE}/{bury(acme).position}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)


def test_all_are_retried_at_once(as_alice, acme, globex, bury, waiting):
    for project in (acme, acme, globex):
        bury(project)
    as_alice.post(f"{PAGE}/retry")
    assert [row.project_id for row in waiting.read()] == [acme.id, acme.id]
    assert len(waiting.dead(globex.organization_id, globex.id)) == 1


def test_an_admin_deletes_one_or_all_and_the_audit_log_knows(as_ada, acme, inside, bury, waiting):
    letters = [bury(acme) for _ in range(3)]
    as_ada.post(f"{PAGE}/{letters[0].position}/deletion")
    assert len(waiting.dead(acme.organization_id, acme.id)) == 2
    as_ada.post(f"{PAGE}/deletion")
    assert waiting.dead(acme.organization_id, acme.id) == waiting.read() == []
    with inside(acme):
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "dead_letters.deleted")
        )
        assert [entry.details for entry in entries] == [{"count": 1}, {"count": 2}]


def test_a_viewer_reads_and_a_member_does_not_delete(as_vic, as_alice, acme, bury, waiting):
    letter = bury(acme)
    for action in ("retry", f"{letter.position}/retry", "deletion"):
        assert as_vic.post(f"{PAGE}/{action}").status_code == 403
    for action in ("deletion", f"{letter.position}/deletion"):
        assert as_alice.post(f"{PAGE}/{action}").status_code == 403
    assert len(waiting.dead(acme.organization_id, acme.id)) == 1


def test_a_stranger_finds_nothing(as_eve, acme, globex, bury, waiting):
    letter = bury(acme)
    assert as_eve.get(PAGE).status_code == 404
    for action in ("retry", "deletion"):
        assert as_eve.post(f"{PAGE}/{letter.position}/{action}").status_code == 404
        own = f"/globex/shop/dead-letters/{letter.position}/{action}"
        assert as_eve.post(own).status_code == 404
    assert as_eve.post("/globex/shop/dead-letters/deletion").status_code == 303
    assert len(waiting.dead(acme.organization_id, acme.id)) == 1


def test_only_so_many_are_listed_and_the_page_says_so(as_vic, acme, bury, waiting, monkeypatch):
    monkeypatch.setattr("console.ingest.views.dead_letters.SHOWN", 2)
    for _ in range(3):
        bury(acme)
    page = as_vic.get(PAGE).text
    assert "3 requests" in page
    assert "the latest 2 are shown" in page
    assert page.count("KeyError at") == 2
