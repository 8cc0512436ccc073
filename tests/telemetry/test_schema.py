"""A file of every version opens with the tables that questions and writes expect."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine

from console.telemetry import copies
from console.telemetry.database import LEAST_MEMORY_MB, Database, TelemetryDamaged
from console.telemetry.records import Batch
from console.telemetry.schema import versions
from console.telemetry.tables import metadata
from tests.telemetry.samples import error, errors_in, scope

FILES = Path(__file__).parent / "files"
# One for each version: the tables as that version's DDL left them, with a row in each of them. It
# says them again, so that changing a step that has landed is found out.
STORED = {number: f"version-{number}.sql" for number in range(1, versions.NEWEST + 1)}
FORMER_MARK = "ALTER TABLE file_version RENAME TO schema_version; UPDATE schema_version SET version"

COLUMNS = """
    SELECT table_name, column_name, column_index, data_type, is_nullable, column_default
    FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index
"""
INDEXES = "SELECT table_name, index_name, is_unique, expressions FROM duckdb_indexes() ORDER BY ALL"
CONSTRAINTS = """
    SELECT table_name, constraint_type, constraint_text FROM duckdb_constraints() ORDER BY ALL
"""


@pytest.fixture
def path(folder):
    folder.mkdir()
    return folder / "1.duckdb"


def build(path, version, mark=""):
    with closing(duckdb.connect(path)) as file:
        file.execute((FILES / STORED[version]).read_text())
        file.execute(mark or "SELECT 1")


def open_and_close(path, organization_id=1):
    Database(path, organization_id, LEAST_MEMORY_MB).close()


def shape(path):
    """Columns in their order with types, nullability and defaults; indexes; constraints."""
    with closing(duckdb.connect(path, read_only=True)) as file:
        return [file.execute(query).fetchall() for query in (COLUMNS, INDEXES, CONSTRAINTS)]


def counts(path):
    with closing(duckdb.connect(path, read_only=True)) as file:
        names = [
            name for (name,) in file.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        ]
        return {name: file.execute(f"SELECT count(*) FROM {name}").fetchall() for name in names}


@pytest.fixture
def wanted(tmp_path):
    """What the tables in `metadata` come to."""
    path = tmp_path / "wanted.duckdb"
    engine = create_engine(f"duckdb:///{path}")
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    return shape(path)


def test_a_new_file_has_the_tables_of_metadata(path, wanted):
    open_and_close(path)
    assert shape(path) == wanted
    assert copies.look_into(path).position == 0


@pytest.mark.parametrize("version", STORED)
def test_a_stored_file_of_each_version_has_the_tables_of_metadata(path, wanted, version):
    build(path, version)
    before = counts(path)
    for _ in range(2):  # the second opening has nothing left to do
        open_and_close(path)
        assert shape(path) == wanted
        kept = counts(path)
        assert {name: kept[name] for name in before} == before
        assert copies.look_into(path, read_all=True).position == 7


@pytest.mark.parametrize("version", STORED)
def test_a_stored_file_of_each_version_is_read_and_written_on(asking, path, version):
    build(path, version)
    asking.write(1, Batch(errors=[error(8)]), position=8)
    assert errors_in(scope()) == 2


def test_a_file_from_just_before_version_1_becomes_one_of_it(path, wanted):
    build(path, 1, f"{FORMER_MARK} = 6")
    copies.look_into(path)
    open_and_close(path)
    assert shape(path) == wanted
    with closing(duckdb.connect(path, read_only=True)) as file:
        assert file.execute("SELECT version FROM file_version").fetchall() == [(versions.NEWEST,)]


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        (f"{FORMER_MARK} = 5", "development version of Pharos"),
        ("UPDATE file_version SET version = 99", "was written by a newer Pharos"),
        ("DELETE FROM file_version", "does not say which version its tables have"),
        ("DROP TABLE file_version", "was not written by Pharos"),
        ("UPDATE applied SET organization_id = 2", "belongs to organization 2"),
    ],
)
def test_a_file_of_unknown_tables_is_refused_and_left_as_it_is(path, mark, sentence):
    build(path, 1, mark)
    before = shape(path)
    with pytest.raises(TelemetryDamaged, match=sentence) as refused:
        open_and_close(path)
    assert (
        f"This organization's telemetry file {refused.value.complaint}." in refused.value.sentence
    )
    assert shape(path) == before
    if "organization" not in sentence:  # verification compares whose copy it is
        with pytest.raises(OSError, match=sentence):
            copies.look_into(path)


def test_steps_are_numbered_without_a_gap_and_name_no_table_object():
    steps = sorted(Path(versions.__file__).parent.glob("*.sql"))
    assert [step.name for step in steps] == [f"{n:03}.sql" for n in range(1, len(steps) + 1)]
    assert "telemetry.tables" not in Path(versions.__file__).read_text()
