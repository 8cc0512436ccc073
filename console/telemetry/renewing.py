"""Writes an organization's file anew: what was deleted from it is nowhere in the new one.

DuckDB leaves deleted rows in a row group that keeps others, and never overwrites a block that it
has freed until it uses it again.
"""

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from console.telemetry.database import PASSING, THREADS, TelemetryUnavailable

ENDING = ".renewed"
"""What the name of a new file ends in until it takes the place of the old one."""
MARGIN = 64_000_000  # bytes that stay free beside the new file


def room_for(path: Path) -> bool:
    """Whether the disk takes a second file as large as this one, and the log of its making."""
    return shutil.disk_usage(path.parent).free > 2 * path.stat().st_size + MARGIN


def renew(path: Path, memory_mb: int) -> None:
    """Copy a closed file without a log, and put the copy in its place.

    Until the last step the old file is untouched. Raises TelemetryUnavailable when the copy cannot
    be made.
    """
    new = _discarded(path)
    try:
        with closing(duckdb.connect(":memory:", config=_configuration(path, memory_mb))) as copying:
            copying.execute("SET enable_progress_bar = false")  # it is printed after two seconds
            copying.execute(f"ATTACH '{_quoted(path)}' AS old (READ_ONLY)")
            copying.execute(f"ATTACH '{_quoted(new)}' AS new (STORAGE_VERSION 'v1.5.0')")
            copying.execute("COPY FROM DATABASE old TO new")
            _compare(copying, path)
            copying.execute("DETACH new")
        _synchronize(new)
        new.replace(path)
        _synchronize(path.parent)
    except duckdb.Error as error:
        _discarded(path)
        how = "now" if PASSING.search(str(error)) else "as it is"
        raise TelemetryUnavailable(f"{path.name} cannot be renewed {how}: {error}") from error
    except OSError as error:
        _discarded(path)
        raise TelemetryUnavailable(f"{path.name} cannot be renewed: {error}") from error


def _discarded(path: Path) -> Path:
    """The name of the new file, of which nothing is left of an earlier attempt."""
    new = path.with_name(f"{path.name}{ENDING}")
    for part in (new, new.with_name(f"{new.name}.wal")):
        part.unlink(missing_ok=True)
    return new


def _compare(copying: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = copying.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'old'"
    ).fetchall()
    for (table,) in tables:
        counted = " - ".join(f'(SELECT count(*) FROM {of}."{table}")' for of in ("old", "new"))  # noqa: S608 - its own
        if copying.execute(f"SELECT {counted}").fetchone() != (0,):
            raise TelemetryUnavailable(f"{path.name}: the copy of {table} lacks rows")


def _synchronize(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _configuration(path: Path, memory_mb: int) -> dict[str, Any]:
    return {
        "threads": THREADS,
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(path.with_suffix(".tmp")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
