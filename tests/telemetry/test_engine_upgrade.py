"""A file of the former engine opens under the present one, and stays one that both can read."""

import gzip
from pathlib import Path

from sqlalchemy import func, select, text

from console.telemetry.question import within
from console.telemetry.records import Batch
from console.telemetry.tables import error_event, span
from tests.telemetry.samples import error, scope

FILES = (
    Path(__file__).parent / "files"
)  # DuckDB 1.5.6, killed after a second batch: the log holds it


def counts(store):
    return [
        store.rows(scope(), select(func.count()).select_from(table).where(within(table, scope())))[
            0
        ][0]
        for table in (error_event, span)
    ]


def test_a_file_and_log_of_duckdb_1_5_are_read_and_written_on(asking, folder):
    folder.mkdir()
    for kind in (".duckdb", ".duckdb.wal"):
        packed = (FILES / f"written-by-1.5.6{kind}.gz").read_bytes()
        (folder / f"1{kind}").write_bytes(gzip.decompress(packed))
    assert counts(asking) == [60, 40]
    asking.write(1, Batch(errors=[error(61)]), position=3)
    asking.close()
    assert counts(asking) == [61, 40]


def test_new_files_keep_the_format_that_duckdb_1_5_reads(asking):
    """Who goes back a version keeps the data; the format of 2.0 is neither smaller nor quicker."""
    asking.write(1, Batch(errors=[error()]), position=1)
    with asking.using(1) as database, database.transaction() as connection:
        tags = text("SELECT tags::VARCHAR FROM duckdb_databases() WHERE database_name = '1'")
        assert "storage_version=v1.5.0" in connection.scalar(tags)
