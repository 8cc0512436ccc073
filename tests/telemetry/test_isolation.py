"""One organization's file is all that a question can reach."""

import pytest
from sqlalchemy import BindParameter, bindparam, func, select, text
from sqlalchemy.exc import DBAPIError

from console.telemetry import errors
from console.telemetry.database import TelemetryUnavailable, UnscopedQuestion
from console.telemetry.question import within
from console.telemetry.records import Batch
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event
from tests.telemetry.samples import error, errors_in, scope

SQL = [
    "ATTACH '{folder}/2.duckdb' AS other",
    "SELECT * FROM '{folder}/2.duckdb'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_blob('{folder}/*')",
    "SELECT * FROM read_text('../state.sqlite')",
    "SELECT * FROM glob('/**')",
    "COPY error_event TO '{folder}/out.csv'",
    "COPY error_event FROM '/etc/passwd'",
    "EXPORT DATABASE '{folder}/out'",
    "INSTALL httpfs",
    "LOAD sqlite",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET allowed_configs = ['enable_external_access']",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET threads = 64",
    "SET temp_directory = '/'",
    "SET python_enable_replacements = true",
    "SELECT * FROM folder",
]


@pytest.fixture
def two(asking):
    asking.write(1, Batch(errors=[error(title="acme's")]), position=1)
    asking.write(2, Batch(errors=[error(organization_id=2, title="globex's")]), position=1)
    return asking


def refuses(store: TelemetryStore, statement: str) -> bool:
    try:
        with store.using(1) as mine, mine.transaction() as connection:
            connection.execute(text(statement))
    except (DBAPIError, TelemetryUnavailable):
        return True
    return False


def test_sql_cannot_leave_the_file(two, folder):
    allowed = [one for one in SQL if not refuses(two, one.format(folder=folder))]
    assert allowed == []
    assert errors_in(scope()) == 1


def test_a_question_of_another_organization_finds_its_own_rows_only(two):
    titles = {
        organization_id: [e.title for e in errors.events_of(scope(organization_id), ["a" * 32])]
        for organization_id in (1, 2, 3)
    }
    assert titles == {1: ["acme's"], 2: ["globex's"], 3: []}


def test_a_question_without_its_organization_is_refused(two):
    for statement in (
        select(func.count()).select_from(error_event),
        select(error_event.c.title).where(error_event.c.organization_id == 1),
        text("SELECT title FROM error_event"),
    ):
        with pytest.raises(UnscopedQuestion):
            two.rows(scope(), statement)


def test_a_question_cannot_bring_its_own_organization(two):
    forged: BindParameter[int] = bindparam("scope_organization", 2)
    query = select(error_event.c.title).where(error_event.c.organization_id == forged)
    assert [row.title for row in two.rows(scope(), query)] == ["acme's"]


def test_every_question_names_organization_project_and_time():
    predicate = str(within(error_event, scope(environment="e", release="r")))
    for column in ("organization_id", "project_id", "timestamp", "environment", "release"):
        assert f"error_event.{column}" in predicate


def test_a_file_in_another_organization_s_place_is_refused(two, folder):
    two.close()
    (folder / "2.duckdb").replace(folder / "1.duckdb")
    with pytest.raises(TelemetryUnavailable, match="belongs to organization 2"):
        errors_in(scope())


def test_a_damaged_file_fails_for_its_organization_alone(two, folder):
    two.close()
    damaged = folder / "1.duckdb"
    damaged.write_bytes(b"\0" * damaged.stat().st_size)
    with pytest.raises(TelemetryUnavailable, match=r"1\.duckdb does not open"):
        errors_in(scope())
    with pytest.raises(TelemetryUnavailable):
        two.write(1, Batch(errors=[error(position=2)]), position=2)
    assert errors_in(scope(organization_id=2)) == 1
