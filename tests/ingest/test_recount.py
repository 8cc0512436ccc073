"""The state database has gone back, and telemetry has what came since."""

from sqlalchemy import delete, select, update

from console.core.db import db
from console.errors.models import Issue
from console.ingest import recount
from console.ingest.models import DigestPosition
from console.intake.models import Outcome
from tests.ingest.conftest import error


def test_a_state_that_has_gone_back_counts_what_telemetry_has(
    both_databases, acme, globex, accepted, digest, stored, inside, monkeypatch, caplog
):
    """As after a failover to a server that was behind, or of SQLite without its log."""
    monkeypatch.setattr(recount, "AT_ONCE", 2)
    accepted(acme, error("KeyError"))
    digest.drain()
    with inside(acme):
        before = db.session.scalars(select(DigestPosition.position)).one()
    for _ in range(2):
        accepted(acme, error("KeyError"), error("OSError"))
    digest.drain()
    with inside(acme):
        db.session.execute(delete(Issue).where(Issue.kind == "OSError"))
        db.session.execute(update(Issue).values(events=1))
        db.session.execute(update(Outcome).values(quantity=1))
        db.session.execute(update(DigestPosition).values(position=before))
        db.session.commit()
    accepted(globex, error("KeyError"))
    for _ in range(2):
        accepted(acme, error("KeyError"))
        digest.drain()
    assert stored(acme).issues() == {"KeyError: it broke": 5, "OSError: it broke": 2}
    assert stored(acme).ledger() == {("event", "stored", ""): 7}
    assert len(stored(acme).events()) == 7
    assert stored(globex).issues() == {"KeyError: it broke": 1}
    (line,) = [line for line in caplog.messages if "was older than its telemetry" in line]
    assert "4 errors were counted" in line
