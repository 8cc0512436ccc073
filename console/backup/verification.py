"""Checks a backup: reads all of it, changes nothing, and reports a line for each check."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from console.backup import manifest
from console.backup.copies import BackupFailed, fingerprint
from console.backup.making import reading, spool_positions, state_says
from console.backup.manifest import Manifest, listing
from console.core import revisions
from console.core.config import Config
from console.core.crypto import SealBrokenError, key_fingerprint, unseal
from console.telemetry import copies, store

DUMP_MAGIC = b"PGDMP"


@dataclass(frozen=True, slots=True)
class Check:
    """A check in words, and what is wrong ("" if it passed)."""

    good: bool
    sentence: str


class Wrong(Exception):
    """A check has failed; the message says why."""


def verify(folder: Path, settings: Config) -> tuple[Manifest | None, list[Check]]:
    """Check a backup; its manifest, if it has a readable one, and a line for each check.

    `settings` may belong to another instance: they give the key if the backup does not contain it.
    """
    try:
        described = Manifest.read(folder)
    except BackupFailed as error:
        return None, [Check(good=False, sentence=str(error))]
    checks = [
        Check(
            good=True,
            sentence=f"complete: made at {described.made_at} by Pharos {described.pharos}",
        )
    ]
    parts: Sequence[Callable[[Path, Manifest, Config], str]] = (
        _files,
        _state,
        _spool,
        _key,
        _telemetry,
        _positions,
    )
    for part in parts:
        try:
            checks.append(Check(good=True, sentence=part(folder, described, settings)))
        except Wrong as error:
            checks.append(Check(good=False, sentence=str(error)))
        except (BackupFailed, OSError, sqlite3.Error, UnicodeDecodeError) as error:
            checks.append(Check(good=False, sentence=f"cannot be read: {error}"))
    return described, checks


def _files(folder: Path, described: Manifest, _settings: Config) -> str:
    """Every file is there as it was written, and no other."""
    there = listing(folder)
    for name, path in there.items():
        if name not in described.files:
            raise Wrong(f"{name} is not a file of this backup")
        wanted = described.files[name]
        if path.stat().st_size != wanted["size"]:
            raise Wrong(f"{name} has {path.stat().st_size:,} bytes instead of {wanted['size']:,}")
        if fingerprint(path) != wanted["sha256"]:
            raise Wrong(f"{name} was changed since the backup was made: its SHA-256 differs")
    missing = sorted(described.files.keys() - there.keys())
    if missing:
        raise Wrong(f"{', '.join(missing)} is missing")
    size = sum(path.stat().st_size for path in there.values())
    return f"files: {len(there)}, {size:,} bytes, all as their SHA-256 says"


def _state(folder: Path, described: Manifest, _settings: Config) -> str:
    if described.state == manifest.POSTGRESQL:
        _refuse_revision(described.revision)
        return _dump(folder / manifest.DUMP, described)
    _check_sqlite(folder / manifest.STATE)
    revision, positions = state_says(folder / manifest.STATE)
    if revision != described.revision:
        raise Wrong(f"state is of revision {revision}, the manifest of {described.revision}")
    _refuse_revision(revision)
    for organization_id, (slug, position) in positions.items():
        noted = described.organizations.get(str(organization_id), {"state": None})
        if noted["state"] != position:
            raise Wrong(f"state has {slug} at position {position}, the manifest {noted['state']}")
    return f"state: whole, revision {revision}, {len(positions)} organizations"


def _dump(dump: Path, described: Manifest) -> str:
    with dump.open("rb") as file:
        if file.read(len(DUMP_MAGIC)) != DUMP_MAGIC:
            raise Wrong(f"{dump.name} is no dump that pg_dump makes with --format=custom")
    program = shutil.which("pg_restore")
    if program is None:
        return f"state: a dump of revision {described.revision}; no pg_restore here to read it with"
    done = subprocess.run(  # noqa: S603 - reads a file of this backup
        [program, "--list", str(dump)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Wrong(f"pg_restore cannot read {dump.name}: {' '.join(done.stderr.split())}")
    tables = done.stdout.count(" TABLE DATA ")
    return f"state: a dump of revision {described.revision}, {tables} tables"


def _refuse_revision(revision: str) -> None:
    """Raise Wrong for state of a newer Pharos, whose tables this one cannot use."""
    options = AlembicConfig()
    options.set_main_option("script_location", str(revisions.FOLDER))
    try:
        ScriptDirectory.from_config(options).get_revision(revision)
    except CommandError:
        raise Wrong(f"state is of revision {revision}, which this Pharos does not know") from None


def _spool(folder: Path, described: Manifest, _settings: Config) -> str:
    _check_sqlite(folder / manifest.SPOOL)
    waiting, dead = spool_positions(folder / manifest.SPOOL)
    if len(waiting) != described.waiting:
        raise Wrong(f"the spool has {len(waiting)} rows, the manifest {described.waiting}")
    return f"spool: whole, {len(waiting)} rows wait, {len(dead)} dead letters"


def _key(folder: Path, described: Manifest, settings: Config) -> str:
    """The key in the backup, or else the configured one, unseals the rows of the spool."""
    keys = settings.secret_key_fallbacks
    if described.key_included:
        keys = ((folder / manifest.SECRET_KEY).read_text().strip(), *keys)
        where = "in the backup"
    else:
        keys = (configured_key(settings), *keys)
        where = "not in the backup, configured here"
    if key_fingerprint(keys[0]) != described.key:
        raise Wrong(
            "the backup was made under another secret key:"
            " set SECRET_KEY to the key that was kept apart from it"
        )
    closed = sum(1 for sealed in _sealed(folder / manifest.SPOOL) if not _opens(keys, sealed))
    if closed:
        raise Wrong(
            f"{closed} rows of the spool open under no key: set SECRET_KEY_FALLBACKS to former keys"
        )
    return f"secret key: {where}; it opens the spool"


def configured_key(settings: Config) -> str:
    """The key of these settings, which need not be prepared; "" if there is none."""
    path = settings.instance / manifest.SECRET_KEY
    if settings.secret_key:
        return settings.secret_key
    return path.read_text().strip() if path.exists() else ""


def _sealed(spool: Path) -> Iterator[bytes]:
    with closing(reading(spool)) as db:
        for (sealed,) in db.execute("SELECT sealed FROM waiting"):
            yield sealed


def _opens(keys: tuple[str, ...], sealed: bytes) -> bool:
    try:
        unseal(keys, sealed)
    except SealBrokenError:
        return False
    return True


def _telemetry(folder: Path, described: Manifest, _settings: Config) -> str:
    paths = sorted(store.files_of(folder / manifest.TELEMETRY).values())
    for path in paths:
        copy = copies.look_into(path, read_all=True)
        noted = described.organizations.get(path.stem, {"telemetry": None})
        if str(copy.organization_id) != path.stem:
            raise Wrong(f"{path.name} belongs to organization {copy.organization_id}")
        if copy.position != noted["telemetry"]:
            raise Wrong(
                f"{path.name} is at position {copy.position}, the manifest at {noted['telemetry']}"
            )
    return f"telemetry: {len(paths)} files open, every block of them was read"


def _positions(folder: Path, described: Manifest, _settings: Config) -> str:
    """Rows that telemetry has applied and state has not are in the spool, to be counted."""
    waiting, dead = spool_positions(folder / manifest.SPOOL)
    there = {*waiting, *dead}
    for organization_id, noted in described.organizations.items():
        written = noted["telemetry"]
        if written is None:
            continue
        if not (folder / manifest.TELEMETRY / f"{organization_id}.duckdb").exists():
            raise Wrong(f"telemetry of {noted['slug'] or organization_id} is missing")
        if noted["slug"] and written > noted["state"] and written not in there:
            raise Wrong(
                f"telemetry of {noted['slug']} is at position {written}, state at"
                f" {noted['state']}, and the spool lacks what lies between: they do not belong"
                " together"
            )
    return f"positions: state, telemetry and spool of {len(described.organizations)} fit"


def _check_sqlite(path: Path) -> None:
    try:
        with closing(reading(path)) as db:
            answers = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # it quotes what it has read
        raise Wrong(f"{path.name} is damaged: {error}") from error
    if answers != ["ok"]:
        raise Wrong(f"{path.name} is damaged: {'; '.join(answers)}")
