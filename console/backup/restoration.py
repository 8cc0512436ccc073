"""Replaces the contents of an instance by a backup, whole or not at all.

1. Everything is checked, and copied beside its final place: nothing is touched yet.
2. The journal is written: which file goes where, and where the present file is set aside.
3. Each present file is set aside, and the new one takes its place: renames within a folder.
4. The journal says that all are in place. From here on the new instance counts.

A command that meets a journal of (2) moves everything back; one of (4), it only deletes. Every
command looks for a journal before it opens anything, so a restore may be killed at any line.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from console.backup import manifest, postgres
from console.backup.copies import BackupFailed, Pace, copy_files, fingerprint, sync
from console.backup.making import SPARE_BYTES, state_path
from console.backup.manifest import Manifest
from console.backup.verification import Check, configured_key, verify
from console.core import clock
from console.core.config import Config
from console.core.crypto import key_fingerprint
from console.core.instances import JOURNAL, RESTORED, InstanceBusy, alone
from console.telemetry.aside import begin_anew

ASIDE, STAGED = "before-restore", "restoring"
LOGS = ("-wal", "-shm")
FINISHED = "A restore was interrupted after all was in place: it is finished."
UNDONE = "A restore was interrupted: everything is back as it was before."


@dataclass(frozen=True, slots=True)
class Move:
    """A place, its new file ("" if there is none), and where the old file is set aside."""

    place: str
    staged: str
    aside: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has replaced."""

    made_at: str
    aside: list[Path]
    """Folders with what was there before."""
    lacks: str = ""
    """What was not in the backup."""


def restore(
    folder: Path, settings: Config, *, incomplete: bool = False
) -> tuple[list[Check], Restored | None]:
    """Check a backup and put it in place; return the checks, and None if one of them fails.

    Raises BackupFailed when a console runs on the instance, when the backup does not fit it, when
    it lacks telemetry without `incomplete`, or when a step failed: the instance is then unchanged.
    """
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(settings.instance):
        settle(settings.instance)
        described, checks = verify(folder, settings)
        if described is None or not all(check.good for check in checks):
            return checks, None
        if described.missing and not incomplete:
            raise BackupFailed(
                f"nothing was touched: {described.lacks}. Restore an older backup, or the rest of"
                " this one with --incomplete"
            )
        _refuse_misfit(described, settings)
        return checks, _put_in_place(folder, described, settings)


@contextmanager
def _held(instance: Path) -> Iterator[None]:
    try:
        with alone(instance):
            yield
    except InstanceBusy:
        raise BackupFailed(f"a console runs on {instance}: stop it first") from None


def settle_alone(instance: Path) -> str:
    """Finish or undo a restore that was interrupted, before anything is opened; say which."""
    if not (instance / JOURNAL).exists():
        return ""
    with _held(instance):
        return settle(instance)


def settle(instance: Path) -> str:
    """`settle_alone` for a caller that holds the instance; "" if there was nothing to do."""
    journal = instance / JOURNAL
    for stray in instance.glob(f"{STAGED}-*"):
        if not journal.exists():
            shutil.rmtree(stray)
    if not journal.exists():
        return ""
    moves, in_place = _read_journal(journal)
    if in_place:
        _finish(journal, moves)
        return FINISHED
    _undo(journal, moves)
    return UNDONE


def _read_journal(journal: Path) -> tuple[list[Move], bool]:
    """The moves, and whether all are made; raise BackupFailed when it cannot be read."""
    try:
        noted = orjson.loads(journal.read_bytes())
        return [Move(**move) for move in noted["moves"]], bool(noted["in_place"])
    except (orjson.JSONDecodeError, KeyError, TypeError, OSError) as error:
        raise BackupFailed(
            f"{journal} tells which files a restore moved, and cannot be read ({error}). What was"
            f" there before is in {ASIDE}-<time> beside the files: move it back by hand, delete"
            f" {JOURNAL}, and restore again"
        ) from error


def _refuse_misfit(described: Manifest, settings: Config) -> None:
    """Raise BackupFailed for a backup of another kind of database, another key, another state."""
    kind = manifest.SQLITE if state_path(settings) else manifest.POSTGRESQL
    if described.state != kind:
        raise BackupFailed(
            f"the backup's state database is {described.state}, and DATABASE_URL names {kind}"
        )
    given = settings.secret_key or ("" if described.key_included else configured_key(settings))
    if given and key_fingerprint(given) != described.key:
        raise BackupFailed("SECRET_KEY is set, and is not the key that the backup was made under")
    if kind == manifest.POSTGRESQL:
        _refuse_database(described, settings)


def _refuse_database(described: Manifest, settings: Config) -> None:
    """Raise BackupFailed unless the database was loaded from the dump of this backup."""
    how = (
        "load this backup's dump into an empty database first:\n"
        f"  createdb --owner=OWNER DATABASE\n"
        f"  pg_restore --no-owner --role=OWNER --exit-on-error --dbname=DATABASE"
        f" {manifest.DUMP}\n  pharos migrate"
    )
    try:
        _revision, positions = postgres.present(settings)
    except BackupFailed as error:
        raise BackupFailed(f"{error}; {how}") from error
    noted = {
        int(organization_id): (organization["slug"], organization["state"])
        for organization_id, organization in described.organizations.items()
        if organization["slug"]
    }
    for organization_id in sorted(noted.keys() | positions.keys()):
        if noted.get(organization_id) != positions.get(organization_id):
            slug, position = positions.get(organization_id) or noted[organization_id]
            there = f"position {position}" if organization_id in positions else "missing"
            noted_at = f"at {noted[organization_id][1]}" if organization_id in noted else "not"
            raise BackupFailed(
                f"the database is not of the backup's moment: organization {slug} is {there} in"
                f" it, and {noted_at} in the backup; {how}"
            )


def _put_in_place(folder: Path, described: Manifest, settings: Config) -> Restored:
    stamp = clock.now().strftime("%Y%m%dT%H%M%SZ")
    moves = list(_moves(described, settings, stamp))
    journal = settings.instance / JOURNAL
    try:
        _stage(folder, described, moves)
        _write_journal(journal, moves, in_place=False)
        for move in moves:
            _swap(move)
        _write_journal(journal, moves, in_place=True)
    except Exception as error:
        if journal.exists():
            _undo(journal, moves)
        else:
            _remove_staged(moves)
        raise BackupFailed(f"everything is as it was, because: {_why(error)}") from error
    _finish(journal, moves)
    aside = {Path(move.aside).parent for move in moves}
    there = sorted(path for path in aside if path.exists())
    return Restored(described.made_at, there, described.lacks)


def _moves(described: Manifest, settings: Config, stamp: str) -> Iterator[Move]:
    """The moves of a restore: files of the backup, and nothing in place of an old log."""
    instance, state = settings.instance.resolve(), state_path(settings)
    places = {
        manifest.SPOOL: instance / manifest.SPOOL,
        manifest.TELEMETRY: instance / "telemetry",
        RESTORED: instance / RESTORED,
    }
    if state:
        places[manifest.STATE] = state.resolve()
    if described.key_included and not settings.secret_key:
        places[manifest.SECRET_KEY] = instance / manifest.SECRET_KEY
    for name, place in places.items():
        aside, staged = (place.parent / f"{kind}-{stamp}" for kind in (ASIDE, STAGED))
        yield Move(str(place), str(staged / name), str(aside / place.name))
        if name.endswith(".sqlite"):
            for log in LOGS:
                path = place.with_name(f"{place.name}{log}")
                yield Move(str(path), "", str(aside / path.name))


def _stage(folder: Path, described: Manifest, moves: list[Move]) -> None:
    """Copy the backup beside the final places of its files, and compare the copies."""
    staged = {Path(move.staged).name: Path(move.staged) for move in moves if move.staged}
    needed = SPARE_BYTES + sum(file["size"] for file in described.files.values())
    for path in staged.values():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < needed:
            raise BackupFailed(f"{path.parent} has {free >> 20:,} of {needed >> 20:,} MB free")
    staged[manifest.TELEMETRY].mkdir(mode=0o700)
    pairs = {}
    for name in described.files:
        top, _, rest = name.partition("/")
        if top in staged:
            pairs[name] = staged[top] / rest if rest else staged[top]
    copy_files([(folder / name, path) for name, path in pairs.items()], Pace())
    for name, path in pairs.items():
        step(f"compare {name}")
        if fingerprint(path) != described.files[name]["sha256"]:
            raise BackupFailed(f"{name} was not copied right: its SHA-256 differs")
    for organization_id in described.missing:
        begin_anew(staged[manifest.TELEMETRY], int(organization_id), "restored")
    if manifest.STATE in staged:
        _let_go_of_leases(staged[manifest.STATE])
    staged[RESTORED].write_bytes(orjson.dumps({"made_at": described.made_at}))
    sync(staged[RESTORED])
    folders = {path.parent for path in staged.values()}
    for path in folders | {staged[manifest.TELEMETRY]}:
        sync(path)


def _let_go_of_leases(state: Path) -> None:
    """Release the leases in the copied state: their holder does not run here."""
    with closing(sqlite3.connect(state, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=DELETE")  # no log beside the file
        db.execute("PRAGMA synchronous=FULL")
        db.execute("UPDATE lease SET holder = ''")


def _swap(move: Move) -> None:
    place, aside = Path(move.place), Path(move.aside)
    if place.exists():
        aside.parent.mkdir(mode=0o700, exist_ok=True)
        step(f"set aside {place.name}")
        place.rename(aside)
    if move.staged:
        step(f"put in place {place.name}")
        Path(move.staged).rename(place)
    sync(place.parent)


def _undo(journal: Path, moves: list[Move]) -> None:
    """Move set-aside files back; each move may be complete, half done, or not begun."""
    for move in moves:
        place, aside, staged = Path(move.place), Path(move.aside), Path(move.staged)
        if move.staged and not staged.exists() and place.exists():
            step(f"take away {place.name}")
            place.rename(staged)
        if aside.exists():
            step(f"move back {place.name}")
            aside.rename(place)
        sync(place.parent)
    for folder in {Path(move.aside).parent for move in moves}:
        if folder.exists():
            folder.rmdir()  # empty: everything is back
    step("take away the journal")
    journal.unlink()
    sync(journal.parent)
    _remove_staged(moves)


def _finish(journal: Path, moves: list[Move]) -> None:
    step("finish")
    journal.unlink()
    sync(journal.parent)
    _remove_staged(moves)


def _remove_staged(moves: list[Move]) -> None:
    for folder in {Path(move.staged).parent for move in moves if move.staged}:
        shutil.rmtree(folder, ignore_errors=True)


def _write_journal(journal: Path, moves: list[Move], *, in_place: bool) -> None:
    draft = journal.with_name(f"{JOURNAL}.new")
    content = {"in_place": in_place, "moves": [asdict(move) for move in moves]}
    draft.write_bytes(orjson.dumps(content))
    sync(draft)
    step(f"note {'all in place' if in_place else 'the moves'}")
    draft.replace(journal)
    sync(journal.parent)


def step(_name: str) -> None:
    """Called before each step that changes something; tests end the process here."""


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return str(error)
