"""Makes a backup: which moment it holds, in which order its parts are taken, and why.

A backup is what a crash at one moment would have left on the disk, which the digest knows how to go
on from: each store skips the positions that it has applied, and applies again what it has not.

1. Jobs that write telemetry end, or wait, and then the digest, after its present batch. From here
   on neither store applies a position and the spool forgets no row. People's own writes go on.
2. The moment of state is taken: an open reader of SQLite, an exported snapshot of PostgreSQL.
3. Telemetry is copied: each file after a checkpoint, when it needs no log.
4. The moment of the spool is taken, by an open reader, after that of state: every row that was
   acknowledged before is in it, or both stores have applied it. Those that come meanwhile are more.
5. Digest and jobs go on. What state and spool held at their moments is copied only now.

Were the digest to go on between 2 and 4, the spool could forget rows that the copy of state lacks.
Rows that the copies have applied already may be in the copied spool: the digest leaves them out.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from console.backup import manifest, postgres
from console.backup.copies import BackupFailed, Pace, SqliteSnapshot, copy_files, fingerprint, sync
from console.backup.manifest import Manifest, kept_key
from console.backup.postgres import PostgresSnapshot
from console.core import clock
from console.core.config import Config, config
from console.core.crypto import key_fingerprint
from console.core.gates import GateBusy
from console.ingest import pipeline, spool
from console.telemetry import copies, store
from console.telemetry.database import TelemetryUnavailable

JOBS_PATIENCE = 900.0  # a job that merges row groups of large files takes minutes
DIGEST_PATIENCE = 120.0
SPARE_BYTES = 64 << 20
UNFINISHED_SUFFIX = ".unfinished"


@dataclass(slots=True)
class Moments:
    """The snapshots that were taken while the digest was held back."""

    state: SqliteSnapshot | PostgresSnapshot
    spool: SqliteSnapshot
    missing: dict[int, str]
    """Why the telemetry file of an organization is not copied."""
    at: str
    paused_seconds: float


def make(folder: Path, instance_id: str, pace: Pace, *, scheduled: bool = False) -> Manifest:
    """Make a backup of the running app's instance; `folder` must not exist yet, or be empty.

    Until it is finished, it is named `….unfinished`. Damaged telemetry files are left out, which
    the manifest says, so that the other files have a backup all the same. Raises BackupFailed
    saying why it cannot be made, with nothing left behind.
    """
    settings = config()
    refuse_folder(folder, settings.instance)
    pace.say("waits for jobs and digest to pause")
    draft = _draft(folder, instance_id)
    try:
        with ExitStack() as held:
            moments = _taken(settings, draft, pace, held)
            _save(settings, moments, draft, pace)
        _leave_out_unreadable(draft / manifest.TELEMETRY, moments.missing, pace)
        made = _described(settings, moments, draft, instance_id, scheduled=scheduled)
        made.write(draft)
        (draft / manifest.UNFINISHED).unlink()
        sync(draft)
        draft.rename(folder)
    except (OSError, sqlite3.Error, GateBusy) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise BackupFailed(_why(error)) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync(folder.parent)
    return made


def refuse_folder(folder: Path, instance: Path) -> None:
    """Raise BackupFailed for a folder that cannot hold a backup."""
    if folder.resolve().is_relative_to(instance.resolve()):
        raise BackupFailed(f"{folder} lies in the instance folder: a backup belongs elsewhere")
    if os.path.ismount(folder):
        raise BackupFailed(f"{folder} is where a disk is mounted: name a new folder in it")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupFailed(f"{folder} is not empty: name a new folder")


def _draft(folder: Path, instance_id: str) -> Path:
    """An empty folder beside the wanted one; leftovers of an interrupted backup are deleted."""
    draft = folder.with_name(f"{folder.name}{UNFINISHED_SUFFIX}")
    if draft.exists():
        if not (draft / manifest.UNFINISHED).exists():
            raise BackupFailed(f"{draft} is in the way, and no unfinished backup")
        shutil.rmtree(draft)
    try:
        draft.mkdir(mode=0o700, parents=True)
        (draft / manifest.UNFINISHED).write_text(instance_id)
        (draft / manifest.TELEMETRY).mkdir(mode=0o700)
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be made: {error.strerror}") from error
    return draft


def _taken(settings: Config, draft: Path, pace: Pace, held: ExitStack) -> Moments:
    """Take the moments of state and spool, and copy telemetry between them."""
    spool_path = spool.current().path
    spool.current().depth()  # makes the file, if nothing was ever accepted
    with _paused(pace) as began:
        state = _state(settings)
        held.callback(state.close)
        at = clock.now().isoformat(timespec="seconds")
        files, missing = store.current().settled_files()
        _refuse_too_little_room(settings, draft, files.values(), spool_path)
        pace.say("copies telemetry, while the digest waits")
        folder = draft / manifest.TELEMETRY
        copy_files([(path, folder / path.name) for path in files.values()], pace)
        waiting = SqliteSnapshot(spool_path)
        held.callback(waiting.close)
        return Moments(state, waiting, missing, at, round(time.monotonic() - began, 3))


@contextmanager
def _paused(pace: Pace) -> Iterator[float]:
    """Hold back jobs, then the digest; yield the time since when."""
    with store.current().upkeep.closed(JOBS_PATIENCE):
        pace.check()
        with pipeline.current().gate.closed(DIGEST_PATIENCE):
            yield time.monotonic()


def _state(settings: Config) -> SqliteSnapshot | PostgresSnapshot:
    path = state_path(settings)
    return SqliteSnapshot(path) if path else PostgresSnapshot(settings)


def _save(settings: Config, moments: Moments, draft: Path, pace: Pace) -> None:
    """Copy what state and spool held, while the digest goes on; and the key, where it is kept."""
    if isinstance(moments.state, SqliteSnapshot):
        pace.say("copies state")
        moments.state.save(draft / manifest.STATE, pace)
    else:
        postgres.save(settings, moments.state, draft / manifest.DUMP, pace)
    pace.say("copies the spool")
    moments.spool.save(draft / manifest.SPOOL, pace)
    key = kept_key(settings.instance, settings.secret_key)
    if key:
        copy = draft / manifest.SECRET_KEY
        copy.touch(mode=0o600)
        copy.write_bytes(key.read_bytes())
        sync(copy)
    sync(draft / manifest.TELEMETRY)


def _leave_out_unreadable(telemetry: Path, missing: dict[int, str], pace: Pace) -> None:
    """Read every copy, and delete the ones that a restore could not use.

    A damaged part of a file may stay unnoticed for months, but for its backup.
    """
    for organization_id, path in sorted(store.files_of(telemetry).items()):
        pace.check()
        pace.say(f"reads the copy of {path.name}")
        try:
            copies.look_into(path, read_all=True)
        except TelemetryUnavailable as error:
            missing[organization_id] = str(error).replace(f"{telemetry}/", "")
            path.unlink()


def _described(
    settings: Config, moments: Moments, draft: Path, instance_id: str, *, scheduled: bool
) -> Manifest:
    if isinstance(moments.state, PostgresSnapshot):
        kind = manifest.POSTGRESQL
        revision, positions = moments.state.revision, moments.state.positions
    else:
        kind = manifest.SQLITE
        revision, positions = state_says(draft / manifest.STATE)
    files = manifest.listing(draft)
    return Manifest(
        pharos=version("pharos"),
        instance=instance_id,
        made_at=moments.at,
        scheduled=scheduled,
        state=kind,
        revision=revision,
        key=key_fingerprint(settings.secret_key),
        key_included=manifest.SECRET_KEY in files,
        paused_seconds=moments.paused_seconds,
        organizations=_organizations(positions, draft / manifest.TELEMETRY),
        missing={str(organization_id): why for organization_id, why in moments.missing.items()},
        waiting=len(spool_positions(draft / manifest.SPOOL)[0]),
        files={
            name: {"size": path.stat().st_size, "sha256": fingerprint(path)}
            for name, path in files.items()
        },
    )


def _organizations(
    positions: dict[int, tuple[str, int]], telemetry: Path
) -> dict[str, dict[str, Any]]:
    """Positions by organization, including deleted organizations that still have a file."""
    files = store.files_of(telemetry)
    applied = {
        organization_id: copies.look_into(path).position for organization_id, path in files.items()
    }
    return {
        str(organization_id): {
            "slug": positions[organization_id][0] if organization_id in positions else "",
            "state": positions[organization_id][1] if organization_id in positions else 0,
            "telemetry": applied.get(organization_id),
        }
        for organization_id in sorted(positions.keys() | applied.keys())
    }


def state_path(settings: Config) -> Path | None:
    """The file of the state database; None on PostgreSQL."""
    url = make_url(settings.state_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def state_says(copy: Path) -> tuple[str, dict[int, tuple[str, int]]]:
    """A copied state file's revision, and by organization its slug and position."""
    with closing(reading(copy)) as db:
        (revision,) = db.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = db.execute(
            "SELECT id, slug, (SELECT position FROM digest_position p WHERE p.organization_id ="
            " o.id) FROM organization o ORDER BY id"
        ).fetchall()
    return str(revision), {
        organization_id: (slug, position or 0) for organization_id, slug, position in rows
    }


def spool_positions(copy: Path) -> tuple[list[int], set[int]]:
    """The positions of the waiting rows and of the dead letters in a copied spool."""
    with closing(reading(copy)) as db:
        waiting = [row[0] for row in db.execute("SELECT position FROM waiting ORDER BY position")]
        dead = {row[0] for row in db.execute("SELECT position FROM dead_letter")}
    return waiting, dead


def reading(copy: Path) -> sqlite3.Connection:
    """Open a copy of an SQLite file in a way that cannot change it or put files beside it."""
    return sqlite3.connect(f"{copy.resolve().as_uri()}?immutable=1", uri=True)


def _refuse_too_little_room(settings: Config, draft: Path, files: Any, spool_path: Path) -> None:
    """Raise BackupFailed when the disk has no room for the copies and some more."""
    state = state_path(settings)
    paths = [*files, spool_path, *([state] if state else [])]
    logs = [path.with_name(f"{path.name}-wal") for path in paths]
    needed = SPARE_BYTES + sum(path.stat().st_size for path in (*paths, *logs) if path.exists())
    free = shutil.disk_usage(draft).free
    if free < needed:
        raise BackupFailed(
            f"{draft.parent} has {free >> 20:,} MB free; a backup needs {needed >> 20:,} MB"
        )


def _why(error: Exception) -> str:
    if isinstance(error, GateBusy):
        return "what was under way (a job, or a batch of the digest) did not end in time"
    if isinstance(error, TelemetryUnavailable):
        return f"telemetry cannot be copied: {error}"
    if isinstance(error, OSError):
        return f"{error.filename or 'the backup'}: {error.strerror or error}"
    return f"a copy cannot be read: {error}"
