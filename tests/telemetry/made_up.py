"""A kind of record that Pharos does not have: this module, its step and its entry are all of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table

from console.telemetry import kinds
from console.telemetry.dialect import Hex128, UtcTimestamp
from console.telemetry.kinds import Kind
from console.telemetry.schema import versions
from console.telemetry.shelves import Shelf, sent_at
from tests.telemetry.samples import NOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a thermometer said."""

    organization_id: int
    project_id: int
    position: int
    reading_id: str
    timestamp: datetime
    received_at: datetime
    client_timestamp: datetime | None = None
    environment: str = ""
    release: str = ""
    degrees: int = 0


reading_table = Table(
    "reading",
    MetaData(),
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("reading_id", Hex128, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("degrees", Integer, nullable=False),
)
STEP = """
    CREATE TABLE reading (
        organization_id INTEGER NOT NULL, project_id INTEGER NOT NULL, position BIGINT NOT NULL,
        reading_id UUID NOT NULL, timestamp TIMESTAMP NOT NULL, client_timestamp TIMESTAMP NOT NULL,
        received_at TIMESTAMP NOT NULL, environment VARCHAR NOT NULL, release VARCHAR NOT NULL,
        degrees INTEGER NOT NULL
    )
"""
READINGS = Kind(
    name="readings",
    record=Reading,
    item="reading",
    shelf=Shelf(
        reading_table, key=("project_id", "reading_id"), derived={"client_timestamp": sent_at}
    ),
    row_bytes=1000,
)


def reading(position: int = 1, **fields: Any) -> Reading:
    at = fields.pop("at", NOON)
    plain = {"organization_id": 1, "project_id": 1, "reading_id": uuid4().hex, "timestamp": at}
    return Reading(position=position, **(plain | {"received_at": at} | fields))


def declare(monkeypatch: Any) -> None:
    """Add the entry and the step."""
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, READINGS))
    monkeypatch.setattr(versions, "STEPS", (*versions.STEPS, STEP))
    monkeypatch.setattr(versions, "NEWEST", versions.NEWEST + 1)
