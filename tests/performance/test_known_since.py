"""Pages say from when on statements and vitals are known, where an older version stored less."""

from datetime import timedelta
from typing import Any

import pytest

from console.telemetry.records import Batch, PageLoad, Span
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import span

DATABASE, VITALS = "/acme/shop/performance/statements/", "/acme/shop/performance/vitals/"
OLDER = "an older version of Pharos"


@pytest.fixture
def stored(app, acme, clock):
    """Store records of so many hours ago."""
    positions = iter(range(1, 100))

    def store(kind, hours, **fields):
        number, at = next(positions), clock.now() - timedelta(hours=hours)
        home = {"organization_id": acme.organization_id, "project_id": acme.id}
        record: Span | PageLoad
        if kind == "spans":
            record = span(number, at=at, **home, **fields)
        else:
            times = {"timestamp": at, "received_at": at}
            plain: dict[str, Any] = {
                "page_id": f"{number:016x}",
                "page": "/",
                "path": "/",
                "lcp": 900.0,
            }
            record = PageLoad(position=number, **plain, **home, **times)
        app.extensions[EXTENSION].write(acme.organization_id, Batch(**{kind: [record]}), number)

    return store


def test_statements_of_an_older_version_have_no_fingerprint(as_vic, stored):
    stored("spans", 20, op="db.sql.query", fingerprint="", statement="")
    assert "Statements are known since" in as_vic.get(DATABASE).text, "none is"
    stored("spans", 2, op="db", category="db", fingerprint="a" * 16, statement="SELECT 1")
    page = as_vic.get(DATABASE).text
    assert "Statements are known since" in page
    assert OLDER in page


def test_page_loads_of_an_older_version_are_spans_alone(as_vic, stored):
    stored("spans", 20, op="pageload", is_segment=True)
    stored("page_loads", 2)
    assert "Web vitals are known since" in as_vic.get(VITALS).text


def test_nothing_is_said_where_all_is_known(as_vic, stored):
    stored("spans", 20, op="http.server", is_segment=True)
    stored("spans", 3, op="db", fingerprint="", statement="", span_id="1" * 16)
    stored("spans", 2.9, op="db", category="db", fingerprint="a" * 16, statement="SELECT 1")
    stored("page_loads", 2)
    assert OLDER not in as_vic.get(DATABASE).text
    assert OLDER not in as_vic.get(VITALS).text
