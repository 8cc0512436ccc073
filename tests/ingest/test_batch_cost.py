"""What a small batch costs in statements: a trickle is nearly all fixed costs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from console.core.db import db
from console.telemetry import shelves
from console.telemetry.driver import DuckDBDialect
from tests.ingest.conftest import error, transaction

# Of a batch with an error of a known issue and a request, beside what begins transactions.
MOST_OF_STATE, MOST_OF_TELEMETRY = 10, 8


class Executed:
    """The statements of a batch by database, and those that SQLAlchemy had to compile for it."""

    def __init__(self) -> None:
        self.state: list[str] = []
        self.telemetry: list[str] = []
        self.compiled: list[str] = []

    def note(self, *execution: object) -> None:
        """Called as `before_cursor_execute` is."""
        connection, _, statement, _, context, _ = execution
        if context.compiled is None or "set_config" in str(statement):  # type: ignore[attr-defined]
            return
        is_telemetry = isinstance(connection.dialect, DuckDBDialect)  # type: ignore[attr-defined]
        (self.telemetry if is_telemetry else self.state).append(str(statement))
        if context.cache_hit.name != "CACHE_HIT":  # type: ignore[attr-defined]
            self.compiled.append(str(statement))


@contextmanager
def executed() -> Iterator[Executed]:
    noted = Executed()
    event.listen(Engine, "before_cursor_execute", noted.note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", noted.note)


@pytest.fixture
def batch(app, acme, accepted, digest):
    """`batch()` digests an error of a known issue and a request, as the next batch."""

    def digested() -> None:
        accepted(acme, error(environment="live", release="1"), transaction())
        assert digest.digest_once() == 1

    with app.app_context():
        db.session.remove()
    for _ in range(2):
        digested()
    return digested


def test_a_small_batch_takes_few_statements_and_compiles_none(batch):
    with executed() as noted:
        batch()
    assert len(noted.telemetry) <= MOST_OF_TELEMETRY, noted.telemetry
    assert len(noted.state) <= MOST_OF_STATE, noted.state
    assert noted.compiled == []


def test_records_that_are_all_new_are_packed_once(batch, monkeypatch):
    packed: list[str] = []
    pack = shelves.Shelf.arrow

    def counted(shelf, columns, records):
        packed.append(shelf.table.name)
        return pack(shelf, columns, records)

    monkeypatch.setattr(shelves.Shelf, "arrow", counted)
    batch()
    assert sorted(packed) == ["error_event", "span"]
