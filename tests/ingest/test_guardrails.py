"""The page of limits, and the banner while one holds."""

import re
import time
from datetime import timedelta
from html import unescape

import pytest

from console.core.db import db
from console.ingest import guardrails, holdings, pipeline, quota
from console.ingest.backlogs import measured
from console.ingest.holdings import Shares
from console.ingest.spool import Spool
from tests.ingest.conftest import envelope, error
from tests.support.clients import HTMX

PAGE = "/acme/settings/guardrails"
INBOX = "/acme/shop/issues/"
BANNER = 'aria-label="What holds now"'


def text_of(answer) -> str:
    return unescape(answer.text)


@pytest.fixture
def told(digest, instance):
    """`told()` lets digest note what waits, as its thread does every second, then moves on."""

    def note() -> None:
        digest._note_due = 0.0
        digest._tell()
        digest._noted._read_at = -100.0

    return note


def test_the_page_says_of_each_limit_what_is_there_and_what_it_does(as_vic, acme, accepted, told):
    accepted(acme, error())
    told()
    page = text_of(as_vic.get(PAGE))
    for name in (
        "Share of the spool",
        "Events that wait for digest",
        "Dead letters",
        "Stored telemetry",
        "Spool of the whole console",
        "Disk of the console",
        "Rate by key",
    ):
        assert name in page
    assert "1 request, " in page
    assert "60,000 of each kind a minute, the default" in page
    assert "within bounds" in page
    assert ">holds now<" not in page
    assert BANNER not in page


def test_numbers_of_other_organizations_are_not_told(as_vic, acme, globex, accepted, told):
    for _ in range(7):
        accepted(globex, error(extra={"padding": "x" * 50_000}))
    told()
    page = text_of(as_vic.get(PAGE))
    assert "nothing waits" in page
    assert not re.search("7 requests|34. kB|globex", page)


def test_a_stranger_finds_no_page(as_eve, acme):
    assert as_eve.get(PAGE).status_code == 404


def test_the_page_is_a_part_for_htmx(as_vic, acme):
    part = as_vic.get(PAGE, headers=HTMX)
    assert part.text.lstrip().startswith('<div id="guardrails"')


def test_while_events_wait_every_page_of_the_organization_says_so(
    as_vic, as_eve, acme, globex, accepted, told, digest, clock
):
    for _ in range(12):
        accepted(acme, error())
    told()
    assert BANNER not in as_vic.get(INBOX).text, "they have come just now"
    clock.move(minutes=4)
    told()
    for path in (INBOX, "/acme/", PAGE):
        page = text_of(as_vic.get(path))
        assert "Events wait: 12 requests since 4 min." in page
        assert f'<a href="{PAGE}">Guardrails</a>' in page
    assert text_of(as_vic.get(PAGE)).count(">holds now<") == 1
    assert BANNER not in as_eve.get("/globex/").text
    digest.drain()
    told()
    assert BANNER not in as_vic.get(INBOX).text


def test_the_banner_says_why_when_telemetry_cannot_be_written(
    as_vic, acme, accepted, told, digest, clock, instance
):
    (instance / "telemetry").mkdir(exist_ok=True)
    (instance / "telemetry" / f"{acme.organization_id}.duckdb").write_bytes(b"no database" * 999)
    accepted(acme, error())
    digest.digest_once()
    clock.move(minutes=5)
    told()
    assert "as this organization's telemetry cannot be written" in text_of(as_vic.get("/acme/"))


def test_a_full_share_and_a_quota_that_holds_are_on_every_page(
    app, as_vic, as_eve, acme, globex, send, waiting, monkeypatch
):
    monkeypatch.setattr(holdings, "FRESH_SECONDS", 3600)
    full = Shares(1000)
    full._looked_at = time.monotonic()
    full.add(acme.organization_id, 700)
    monkeypatch.setattr(waiting, "_shares", full)
    app.extensions[quota.EXTENSION].refused(acme.organization_id)
    page = text_of(as_vic.get("/acme/"))
    assert "share of the spool is full: events are refused with 429" in page
    assert "A key is over its quota" in page
    assert BANNER not in as_eve.get("/globex/").text


def test_a_low_disk_and_an_ended_digest_are_told_to_everybody(as_vic, acme, app, monkeypatch):
    monkeypatch.setattr(type(app.extensions[guardrails.DISK]), "is_low", True)
    monkeypatch.setattr(pipeline.Pipeline, "alive", lambda _: False)
    app.extensions[quota.EXTENSION].refused(acme.organization_id)  # which only warns
    page = text_of(as_vic.get("/acme/"))
    assert "The disk of the console is nearly full." in page
    worst, _, folded = page.partition('class="notes-more"')
    assert "The disk of the console is nearly full." in worst
    assert re.search("Digest has ended.*</details>", folded, re.DOTALL)
    guards = text_of(as_vic.get(PAGE))
    assert "nothing waits; digest has ended" in guards
    assert guards.count(">holds now<") == 2, "the banner leads to what it speaks of"


def test_the_rate_of_a_key_counts_this_minute(as_vic, acme, send):
    send(envelope(("event", error())))
    page = text_of(as_vic.get(PAGE))
    assert ">1</a> error" in page


def test_the_banner_asks_no_database(app, acme, accepted, told, clock, monkeypatch):
    accepted(acme, error())
    clock.move(minutes=4)
    told()
    with app.app_context(), monkeypatch.context() as without:
        without.setattr(db, "session", None)
        without.setattr(Spool, "_connection", None)
        said = [text for text, _ in guardrails.sentences(acme.organization_id)]
    assert said == ["Events wait: 1 request since 4 min."]


def test_another_process_reads_the_backlogs_from_the_note(acme, accepted, told, digest, clock):
    at = clock.now()
    accepted(acme, error())
    told()
    found = digest.backlog(acme.organization_id)
    assert (found.rows, found.stalled) == (1, False)
    assert abs(found.since - at) < timedelta(seconds=1)
    assert digest.backlog(999) is None


def test_backlogs_are_those_of_organizations_with_rows(acme, globex, accepted, waiting, digest):
    accepted(acme, error())
    assert measured(waiting, ()).keys() == {acme.organization_id}
    digest.drain()
    assert measured(waiting, ()) == {}
