"""What is declared of a kind is all that store, retention and erasure know of it."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from console.telemetry import kinds, retention
from console.telemetry.records import Batch
from console.telemetry.retention import Keep
from console.telemetry.tables import metadata
from tests.telemetry.made_up import READINGS, declare, reading, reading_table
from tests.telemetry.samples import NOON, error, hour, span

PLENTY = 1000


def test_every_table_of_a_project_is_erased_with_a_kind():
    erased = {table for kind in kinds.KINDS for table in kind.erased}
    assert erased == {table for table in metadata.tables.values() if "project_id" in table.c}


def test_every_table_that_a_spool_position_brings_is_a_kind_s():
    brought = {table for table in metadata.tables.values() if "received_at" in table.c}
    texts = {table for kind in kinds.KINDS for table in kind.texts}
    assert {kind.table for kind in kinds.KINDS} == brought - texts


def test_the_weight_of_a_batch_counts_every_kind():
    batch = Batch(**{kind.name: [error()] * 2 for kind in kinds.KINDS})
    assert kinds.weight_of(batch) == 2 * sum(kind.weight for kind in kinds.KINDS)
    assert all(kind.weight > 0 for kind in kinds.KINDS)


def test_a_kind_that_is_not_declared_is_refused(asking):
    with pytest.raises(ValueError, match="no kind of record is declared as readings"):
        asking.write(1, Batch(readings=[reading()]), position=1)
    assert asking.position(1) == 0


class TestMadeUp:
    """Nothing but `declare` has been done for it."""

    @pytest.fixture(autouse=True)
    def declared(self, monkeypatch, clock):
        clock.set(NOON)
        declare(monkeypatch)

    @pytest.fixture
    def degrees(self, asking):
        def stored():
            with asking.using(1) as database, database.transaction() as connection:
                query = select(reading_table.c.degrees).order_by(reading_table.c.timestamp)
                return list(connection.scalars(query))

        return stored

    def test_each_record_is_stored_once(self, asking, degrees):
        sent = [reading(degrees=20), reading(degrees=21, at=hour(1))]
        written = asking.write(1, Batch(readings=sent, spans=[span()]), position=1)
        assert written.of("readings") == {(1, one.reading_id) for one in sent}
        again = [replace(one, position=2) for one in sent]
        assert asking.write(1, Batch(readings=again), position=2).of("readings") == frozenset()
        assert degrees() == [20, 21]

    def test_a_dead_letter_takes_its_records_along(self, asking, degrees):
        batch = Batch(readings=[reading(1, degrees=20), reading(2, degrees=21)])
        asking.write(1, batch, position=2)
        asking.withdraw(1, 2)
        assert degrees() == [20]

    def test_another_organization_s_record_is_refused(self, asking):
        with pytest.raises(ValueError, match="a batch of 1 has records of"):
            asking.write(1, Batch(readings=[reading(organization_id=2)]), position=1)

    def test_retention_deletes_what_is_too_old(self, asking, degrees):
        old = reading(degrees=20, at=hour(-24 * 31))
        asking.write(1, Batch(readings=[old, reading(degrees=21)]), position=1)
        assert retention.apply(1, {1: Keep(30, PLENTY)}).deleted == 1
        assert degrees() == [21]

    def test_retention_weighs_its_rows(self, asking, degrees):
        many = [reading(degrees=n, at=hour(-n)) for n in range(3) for _ in range(500)]
        asking.write(1, Batch(readings=many), position=1)
        assert retention.apply(1, {1: Keep(30, 1)}).deleted == 500
        assert set(degrees()) == {0, 1}

    def test_a_project_that_sent_nothing_else_is_erased_when_it_is_gone(self, asking, degrees):
        gone = reading(project_id=2, degrees=20, at=hour(-3))
        asking.write(1, Batch(readings=[gone, reading(degrees=21)]), position=1)
        assert retention.apply(1, {1: Keep(30, PLENTY)}).deleted == 1
        assert degrees() == [21]

    def test_a_batch_of_it_has_a_weight(self):
        assert kinds.weight_of(Batch(readings=[reading()])) == READINGS.weight
