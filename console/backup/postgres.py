"""The state database on PostgreSQL: an exported snapshot keeps one moment of it for pg_dump."""

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from sqlalchemy import Engine, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from console.backup.copies import BackupFailed, Pace, sync
from console.core import patience
from console.core.config import Config
from console.core.engines import engine_of

LOOK_SECONDS = 0.5
PATIENCE = 3600.0  # for a person who runs pg_dump by hand


class PostgresSnapshot:
    """The state database at one moment, which pg_dump may read after the digest has gone on."""

    def __init__(self, settings: Config) -> None:
        """Take the snapshot; raise BackupFailed when the database does not answer."""
        self._engine = _engine(settings)
        try:
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="REPEATABLE READ")
            self.name = str(self._connection.scalar(text("SELECT pg_export_snapshot()")))
            self.revision, self.positions = read(self._connection)
        except DBAPIError as error:
            raise BackupFailed(f"the state database does not answer: {error.orig}") from error

    def close(self) -> None:
        """Close the snapshot."""
        self._connection.close()
        self._engine.dispose()


def read(connection: Connection) -> tuple[str, dict[int, tuple[str, int]]]:
    """Alembic's revision, and by organization its slug and the position that state has applied."""
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    organizations = connection.execute(text("SELECT id, slug FROM organization ORDER BY id")).all()
    positions = {}
    for organization_id, slug in organizations:
        connection.execute(  # row-level security shows the rows of one organization at a time
            text("SELECT set_config('app.organization_id', :id, true)"),
            {"id": str(organization_id)},
        )
        position = connection.scalar(text("SELECT position FROM digest_position"))
        positions[organization_id] = (slug, position or 0)
    return str(revision), positions


def present(settings: Config) -> tuple[str, dict[int, tuple[str, int]]]:
    """What `read` says about the database now; raise BackupFailed when it cannot be read."""
    engine = _engine(settings)
    try:
        with engine.connect() as connection:
            return read(connection)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise BackupFailed(f"the state database cannot be read: {reason}") from error
    finally:
        engine.dispose()


def _engine(settings: Config) -> Engine:
    """An engine without the tenant guard: this module reads rows of all organizations."""
    options = {"prepare_threshold": None}  # a pooler hands each transaction another backend
    engine = engine_of(settings.state_url, poolclass=NullPool, connect_args=options)
    patience.be_patient(engine)
    return engine


def save(settings: Config, snapshot: PostgresSnapshot, target: Path, pace: Pace) -> None:
    """Dump the snapshot to the file: by pg_dump, or by a person who runs the printed command.

    A dump needs a role that bypasses row-level security, which the owner's role does not: pg_dump
    refuses to leave rows out, and would see no organization's rows.
    """
    if settings.backup_database_url:
        pace.say("pg_dump reads the state database")
        _dump(make_url(settings.backup_database_url), snapshot.name, target, pace)
    else:
        _wait_for_dump(snapshot.name, target, pace)
    sync(target)


def by_hand(name: str, target: Path) -> str:
    """The command that a person runs when no role for dumps is configured."""
    draft = target.with_name(f"{target.name}.part")
    command = [*_options(name, draft), "--dbname=postgresql://SUPERUSER@HOST/DATABASE"]
    return f"{shlex.join(command)} && mv {shlex.quote(str(draft))} {shlex.quote(str(target))}"


def _wait_for_dump(name: str, target: Path, pace: Pace) -> None:
    pace.say(
        "BACKUP_DATABASE_URL is not set, so the state database is dumped by hand. Run this within"
        " an hour, as a role that row-level security does not hold (a superuser, or BYPASSRLS);"
        f" it ends this backup:\n  {by_hand(name, target)}\n"
    )
    deadline = time.monotonic() + PATIENCE
    while not target.exists():
        pace.check()
        if time.monotonic() > deadline:
            raise BackupFailed("nobody dumped the state database within an hour")
        pace.cancelled.wait(LOOK_SECONDS)


def _dump(url: URL, name: str, target: Path, pace: Pace) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupFailed("pg_dump is not installed here: it comes with PostgreSQL's client")
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    with (
        subprocess.Popen(  # noqa: S603 - arguments come from settings
            [program, *_options(name, target)[1:], f"--dbname={plain}"],
            env=os.environ | password,
            stderr=subprocess.PIPE,
            text=True,
        ) as dump
    ):
        try:
            while dump.poll() is None:
                pace.check()
                pace.cancelled.wait(LOOK_SECONDS / 5)
        except BaseException:
            dump.kill()
            raise
        complaint = dump.stderr.read() if dump.stderr else ""
    if dump.returncode:
        raise BackupFailed(f"pg_dump failed: {' '.join(complaint.split())}")


def _options(name: str, target: Path) -> list[str]:
    """Rights are left out: `pharos migrate` gives the app's role what it needs."""
    return [
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={name}",
        f"--file={target}",
    ]
