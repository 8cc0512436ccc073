"""Everything loops over the protocols: one that was made up is accepted, digested and shown."""

import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import update

from console.accounts.models import Key
from console.core.db import db
from console.ingest import protocols
from console.ingest.decoded import Decoded
from console.ingest.scrub import Scrubber
from console.ingest.scrubbed import Scrubbed, scrubbed
from console.integrations import selfmonitor
from console.telemetry.bodies import unpack
from console.telemetry.tables import error_event
from tests.ingest.corpus.reading import context
from tests.ingest.made_up import WEATHER, declare, forgetful
from tests.support.factories import inside


@pytest.fixture
def report(monkeypatch, client, acme, key):
    """`report("degrees=20")` sends a line as a weather station does."""
    declare(monkeypatch)

    def send(line: str, *, key: str = key):
        return client.post(f"/weather/{acme.id}", data=f"key={key}; {line}")

    return send


class TestMadeUp:
    def test_it_is_accepted_as_it_says(self, report, waiting):
        answer = report("degrees=20")
        assert (answer.status_code, answer.text) == (202, "{'taken': 1}")
        (row,) = waiting.read()
        assert (row.kind, row.header["items"]) == ("made.up", "weather")

    def test_it_is_digested_scrubbed_and_in_the_ledger(self, report, acme, digest, stored, key):
        report("degrees=20; password=hunter2")
        report("place=cellar")
        digest.drain()
        assert stored(acme).issues() == {"20 degrees": 1}
        (row,) = stored(acme).rows(error_event)
        assert unpack(row.body)["extra"] == {"degrees": "20", "password": "[Filtered]"}
        assert stored(acme).ledger() == {
            ("event", "stored", ""): 1,
            ("weather", "invalid", "undecodable"): 1,
        }

    def test_its_refusals_are_in_its_form_and_in_the_ledger(self, report, ledger, acme):
        assert report("degrees=20", key="0" * 32).status_code == 403
        answer = report("degrees=20" + "0" * 1000)
        assert (answer.status_code, answer.content_type) == (413, "text/plain")
        assert {count.item_type for count in ledger()} == {"weather"}

    def test_its_category_has_a_quota_of_its_own(self, report, app, acme):
        with inside(app, acme):
            db.session.execute(update(Key).values(quota_per_minute=1))
            db.session.commit()
        assert "climate:key:quota" in report("degrees=20").headers["X-Sentry-Rate-Limits"]
        assert report("degrees=21").status_code == 429
        assert protocols.category("climate").factor == 3

    def test_a_row_of_it_that_cannot_be_read_is_counted_as_it_says(
        self, report, acme, digest, waiting, stored
    ):
        report("degrees=20")
        (row,) = waiting.read()
        waiting.append(replace(row, body=b"\xff"))
        digest.drain()
        assert stored(acme).ledger()["weather", "invalid", "undecodable"] == 1

    def test_it_is_on_the_connect_page(self, report, as_vic):
        page = as_vic.get("/acme/shop/connect?setup=weather").text
        assert "Weather station" in page
        assert "server=http://localhost" in page

    def test_the_console_does_not_trace_it(self, report, app):
        request = {"REQUEST_METHOD": "POST", "PATH_INFO": "/weather/1"}
        assert selfmonitor.trace_rate(app, {"wsgi_environ": request}) == 0.0

    def test_its_decoder_may_not_forget_to_scrub(
        self, monkeypatch, client, acme, key, digest, waiting
    ):
        declare(monkeypatch, replace(WEATHER, decode=forgetful))
        client.post(f"/weather/{acme.id}", data=f"key={key}; degrees=20")
        digest.drain()
        (letter,) = waiting.dead(acme.organization_id, acme.id)
        assert letter.reason.startswith("TypeError in console/ingest/decoded.py")


class TestScrubbed:
    def test_only_the_scrubber_makes_it(self):
        with pytest.raises(TypeError):
            Scrubbed({"password": "hunter2"}, object())
        content = scrubbed(Scrubber(), {"password": "hunter2"}).content
        assert content == {"password": "[Filtered]"}

    @pytest.mark.parametrize("keep", [Decoded.keep, Decoded.keep_all, Decoded.keep_error])
    def test_nothing_else_is_kept(self, keep):
        with pytest.raises(TypeError, match="not scrubbed"):
            keep(Decoded(context()), {"password": "hunter2"})

    def test_what_is_counted_is_scrubbed(self):
        decoded = Decoded(context())
        decoded.count("event", "lost_by_client", "password=hunter2")
        assert [count.reason for count in decoded.counts] == ["password=[Filtered]"]


def test_names_are_unique_and_found():
    names = [protocol.name for protocol in protocols.PROTOCOLS]
    assert len(set(names)) == len(names)
    assert [protocols.named(name).name for name in names] == names
    with pytest.raises(KeyError):
        protocols.named("no.such")


def test_decoding_loads_no_database_and_no_web_framework():
    """So that a process that does nothing else is small, and starts at once."""
    script = "import sys, console.ingest.decoding; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    roots = {name.partition(".")[0] for name in ran.stdout.split()}
    assert not roots & {"sqlalchemy", "duckdb", "flask", "werkzeug", "sentry_sdk", "alembic"}
