"""Reads a copy of an organization's file without the console, and without changing the copy."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from console.telemetry.database import LEAST_MEMORY_MB, THREADS, TelemetryUnavailable
from console.telemetry.schema import versions


@dataclass(frozen=True, slots=True)
class Copy:
    """Which organization a file belongs to, and up to which spool position it was written."""

    organization_id: int
    position: int


def look_into(path: Path, *, read_all: bool = False) -> Copy:
    """What a copy says of itself; with `read_all`, after reading every value in it.

    Raises TelemetryUnavailable when it does not open, a part of it cannot be read, or its tables
    are of a version that this Pharos cannot use.
    """
    configuration: dict[str, Any] = {
        "threads": THREADS,
        "memory_limit": f"{LEAST_MEMORY_MB}MB",
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with closing(duckdb.connect(path, read_only=True, config=configuration)) as copy:
            rows = copy.execute("SELECT organization_id, position FROM applied").fetchall()
            versions.version_of(lambda query: copy.execute(query).fetchall())
            if len(rows) != 1:
                raise TelemetryUnavailable(f"{path.name} is nobody's telemetry")
            if read_all:
                _read_all(copy)
            return Copy(*rows[0])
    except versions.UnknownTables as error:
        raise TelemetryUnavailable(f"{path.name} {error}") from error
    except (duckdb.Error, UnicodeDecodeError) as error:  # it quotes bytes of a damaged block
        raise TelemetryUnavailable(f"{path.name}: {error}") from error


def _read_all(copy: duckdb.DuckDBPyConnection) -> None:
    """Read every block of every table; each has a checksum, which DuckDB compares."""
    tables = copy.execute("SELECT table_name FROM information_schema.tables").fetchall()
    for (table,) in tables:
        copy.execute(f'SELECT bit_xor(hash(t)) FROM "{table}" t').fetchall()  # noqa: S608 - its own
