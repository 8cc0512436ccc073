"""Digest treats the records of every kind alike: page loads, and a kind that was made up."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from console.accounts.models import Release
from console.core.db import db
from console.ingest import digest as digesting
from console.ingest import protocols
from console.ingest.decoded import Context, Decoded
from console.ingest.sentry.protocol import ENVELOPE
from console.telemetry.store import TelemetryStore
from tests.ingest.conftest import error, transaction
from tests.support.factories import inside
from tests.telemetry.made_up import Reading, declare, reading, reading_table


def pageload():
    """A browser's transaction for a page that was loaded, with a vital."""
    sent = transaction(spans=[], measurements={"lcp": {"value": 1920, "unit": "millisecond"}})
    sent["contexts"]["trace"]["op"] = "pageload"
    return sent


@pytest.fixture
def shares(monkeypatch):
    """How many records each write to telemetry brings, with room for three at once."""
    monkeypatch.setattr(digesting, "SHARE", 3)
    sizes, write = [], TelemetryStore.write

    def noted(self, organization_id, batch, position):
        sizes.append(len(batch))
        return write(self, organization_id, batch, position)

    monkeypatch.setattr(TelemetryStore, "write", noted)
    return sizes


class TestPageLoads:
    def test_they_are_held_in_memory_as_other_records_are(self, acme, accepted, digest, shares):
        for _ in range(4):  # a span and a page load each
            accepted(acme, pageload())
        digest.drain()
        assert shares == [4, 4]

    def test_they_are_counted_in_the_rate(self, acme, accepted, digest):
        accepted(acme, pageload())
        digest.drain()
        assert digest.status().records_per_second == 0.2


class TestMadeUp:
    """Nothing but `declare` has been done for it; what decodes to it is a protocol's."""

    @pytest.fixture
    def readings(self, monkeypatch):
        """What each request brings besides, whatever it is."""
        declare(monkeypatch)
        sent: list[Reading] = []

        def decode(raw: bytes, context: Context) -> Decoded:
            decoded = ENVELOPE.decode(raw, context)
            arrived: dict[str, Any] = {"project_id": context.project_id}
            arrived |= {"organization_id": context.organization_id}
            arrived |= {"position": context.position, "received_at": context.received_at}
            decoded.keep_all(
                context.scrubbed(None).then(lambda _: [replace(one, **arrived) for one in sent])
            )
            return decoded

        declared = replace(ENVELOPE, decode=decode)
        monkeypatch.setattr(protocols, "PROTOCOLS", (declared, *protocols.PROTOCOLS))
        return sent

    def test_it_is_stored_and_in_the_ledger(self, acme, accepted, digest, stored, readings):
        readings += [reading(degrees=20), reading(degrees=21)]
        for _ in range(2):
            accepted(acme, error())
        digest.drain()
        assert sorted(row.degrees for row in stored(acme).rows(reading_table)) == [20, 21]
        assert stored(acme).ledger() == {
            ("event", "stored", ""): 2,
            ("reading", "stored", ""): 2,
            ("reading", "duplicate", ""): 2,
        }

    def test_it_is_held_in_memory_and_counted_in_the_rate(
        self, acme, accepted, digest, shares, readings
    ):
        readings += [reading(), reading()]
        for _ in range(2):
            accepted(acme, error())
        digest.drain()
        assert shares == [3, 3]
        assert digest.status().records_per_second == 0.6

    def test_its_releases_are_known(self, app, acme, accepted, digest, readings):
        readings.append(reading(release="boiler@2", environment="cellar"))
        accepted(acme, error())
        digest.drain()
        with inside(app, acme):
            assert "boiler@2" in db.session.scalars(select(Release.version)).all()
