"""Checks before a console opens its files, so that damage is reported at once."""

import logging
import os
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import exists, or_, select

from console.accounts.models import Organization
from console.backup import notes
from console.backup.making import state_path
from console.core import clock, instances
from console.core.config import Config, ConfigError
from console.core.db import db, reading
from console.core.sqlite_files import damage_of
from console.core.sqlite_logs import log_of, lost_commits
from console.core.tenancy import organization_scope
from console.ingest import digest_note, salvage, spool, under_way
from console.intake.ledger import STORED
from console.intake.models import Outcome
from console.telemetry import store
from console.uptime.models import Check

FILES = (spool.FILE, digest_note.NAME, under_way.NOTE, under_way.LEDGER, notes.NAME, instances.ID)
LEAST_FILES = 64  # with 32, clients were answered 503 alone and /healthz was content
RIGHTS = "see its owner, its mode, and whether the disk is mounted read-only"

log = logging.getLogger(__name__)


def check(settings: Config, spool_path: Path) -> None:
    """Set a damaged spool aside; raise ConfigError when the state database is damaged or gone.

    It also raises ConfigError when this account cannot write to something in the instance folder,
    and when the limit of open files is too low to work.
    """
    _check_limit_of_files()
    _check_places(settings.instance)
    state = state_path(settings)
    if state is not None:
        _check_state(state, settings.instance)
    salvage.check(spool_path, (settings.secret_key, *settings.secret_key_fallbacks))


def _check_limit_of_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < LEAST_FILES:
        raise ConfigError(
            f"this process may have {most} files open, which is too few: {LEAST_FILES} are the"
            " least, 65536 are good (ulimit -Hn, LimitNOFILE= of systemd)"
        )


def _check_places(instance: Path) -> None:
    """Raise ConfigError that names a path that would fail later, in the middle of the work."""
    for name in FILES:
        path = instance / name
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is no file: move it away")
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise ConfigError(f"{path} cannot be read and written by this account: {RIGHTS}")
    folder = instance / store.FOLDER
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: move it away, or restore a backup")
    for path in (instance, *([folder] if folder.exists() else [])):
        if not os.access(path, os.W_OK | os.X_OK):
            raise ConfigError(f"{path} cannot be written to by this account: {RIGHTS}")


def _check_state(state: Path, instance: Path) -> None:
    what_to_do = "put a backup back with `pharos restore FOLDER`"
    keep_damaged_log(state)
    reason = damage_of(state)
    if reason:
        raise ConfigError(f"the state database {state} is damaged ({reason}): {what_to_do}")
    files = list((instance / store.FOLDER).glob("*.duckdb"))
    if files and _is_empty(state):
        raise ConfigError(
            f"the state database {state} is gone, and telemetry of {len(files)} organizations is"
            f" there: {what_to_do}, or move {instance / store.FOLDER} away to begin anew"
        )


def keep_damaged_log(state: Path) -> None:
    """Copy a log with damage in its middle, and say what SQLite leaves out of it and deletes."""
    if not (lost := lost_commits(state)):
        return
    log_file = log_of(state)
    copy = log_file.with_name(f"{log_file.name}.damaged-{clock.now():%Y%m%dT%H%M%SZ}")
    shutil.copyfile(log_file, copy)
    log.error(
        "the log of the state database %s is damaged: the last %d changes that were committed are"
        " lost; the log is kept as %s",
        state,
        lost,
        copy.name,
    )


def _is_empty(state: Path) -> bool:
    if not state.exists():
        return True
    with closing(sqlite3.connect(state, timeout=10)) as file:
        return not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def with_telemetry() -> list[int]:
    """The organizations that have stored telemetry, so that each must have a file.

    What a console stores without a client is the results of its checks.
    """
    with reading():
        present = db.session.scalars(select(Organization.id)).all()
        db.session.rollback()
        stored = select(
            or_(
                exists().where(Outcome.outcome == STORED),
                exists().where(Check.last_at.is_not(None)),
            )
        )
        having = []
        for organization_id in present:
            with organization_scope(organization_id):
                if db.session.scalar(stored):
                    having.append(organization_id)
    return having
