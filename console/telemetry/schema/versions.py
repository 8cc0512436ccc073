"""The versions of a file's tables: one file of literal DDL for each step, run in their order.

A step that has landed never changes: files that went through it would differ from new ones. It
names no `Table`, since that describes the newest version and not the one that the step makes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

STEPS = tuple(path.read_text() for path in sorted(Path(__file__).parent.glob("*.sql")))
"""Step n takes a file from version n - 1 to version n; the first begins with an empty file."""
NEWEST = len(STEPS)
# Files from before version 1 carry their number in a table of another name. The last of these
# numbers had the tables of version 1; files of earlier ones never left development.
FORMER, FORMER_NEWEST = "schema_version", 6

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Runs a query and returns its rows."""


class UnknownTables(Exception):
    """This Pharos cannot use a file's tables; the message continues the name of the file."""


def bring_up_to_date(connection: Connection, organization_id: int) -> None:
    """Make the tables in a new file, or bring the tables of an older version up to date.

    Raises UnknownTables, and changes nothing, for a file of another organization or of a version
    that no step leads on from.
    """

    def ask(query: str) -> Sequence[Sequence[Any]]:
        return connection.execute(text(query)).all()

    version = version_of(ask)
    former = FORMER in _tables(ask)
    if version:
        _require_owner(ask, organization_id)
    if former:
        connection.execute(text(f"ALTER TABLE {FORMER} RENAME TO file_version"))
    for step in STEPS[version:]:
        connection.exec_driver_sql(step)
    if not version:
        _begin(connection, organization_id)
    if former or version < NEWEST:
        connection.execute(text("UPDATE file_version SET version = :newest"), {"newest": NEWEST})


def is_behind(connection: Connection) -> bool:
    """Whether a file has tables of an older version. Raises UnknownTables."""
    return 0 < version_of(lambda query: connection.execute(text(query)).all()) < NEWEST


def version_of(ask: Ask) -> int:
    """The version of a file's tables, 0 if it has none; raise UnknownTables for unknown ones."""
    tables = _tables(ask)
    if not tables:
        return 0
    if FORMER in tables:
        return _first_version(ask)
    if "file_version" not in tables:
        raise UnknownTables("was not written by Pharos")
    ((version,),) = ask("SELECT max(version) FROM file_version")
    if version is None:
        raise UnknownTables("does not say which version its tables have")
    if version > NEWEST:
        raise UnknownTables("was written by a newer Pharos")
    return int(version)


def _first_version(ask: Ask) -> int:
    """1 for a file from shortly before version 1, whose tables are the same."""
    ((number,),) = ask("SELECT max(version) FROM schema_version")
    if number != FORMER_NEWEST:
        raise UnknownTables(
            "was written by a development version of Pharos from before the first version of"
            " telemetry's tables, which this one cannot read"
        )
    return 1


def _tables(ask: Ask) -> set[str]:
    return {name for (name,) in ask("SELECT table_name FROM information_schema.tables")}


def _require_owner(ask: Ask, organization_id: int) -> None:
    ((owner,),) = ask("SELECT max(organization_id) FROM applied")
    if owner != organization_id:
        raise UnknownTables(f"belongs to organization {owner}")


def _begin(connection: Connection, organization_id: int) -> None:
    connection.execute(text("INSERT INTO file_version (version) VALUES (0)"))
    owner = text("INSERT INTO applied (organization_id, position) VALUES (:owner, 0)")
    connection.execute(owner, {"owner": organization_id})
