"""Orders a backup: the console that serves the instance makes it, or else the command does.

Only the serving process may open telemetry. So `pharos backup` leaves an order in the instance
folder, to which only the console's own account can write, and follows the note that the console
keeps there. `pharos status` reads the same note.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

import orjson
from flask import Flask, current_app

from console.backup import making, notes, soundness
from console.backup.copies import BackupFailed, Pace
from console.backup.manifest import Manifest
from console.backup.notes import Note, read_note
from console.backup.verification import verify
from console.core import clock
from console.core.config import config
from console.core.instances import InstanceBusy, alone, identity
from console.telemetry import store

EXTENSION = "pharos.backups"
ORDER = "backup-order.json"
LOOK_SECONDS = 0.5  # a look costs 2 µs
TELL_SECONDS = 0.5
ORDER_SECONDS = 600  # an order waits for a console that starts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A requested backup and its folder."""

    folder: str
    bytes_per_second: int = 0
    scheduled: bool = False
    id: str = field(default_factory=lambda: token_hex(8))


class Backups:
    """Makes the ordered backups of a running console, one at a time."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._one = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look for orders until `stop`; an order that nobody waits for is dropped."""
        _drop_old(config().instance / ORDER)
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up the backup under way."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def make(self, order: Order) -> Manifest:
        """Make one backup and note how it goes; raise BackupFailed."""
        if not self._one.acquire(blocking=False):
            raise BackupFailed("another backup is being made")
        try:
            return noted(order, self._ending)
        finally:
            self._one.release()

    def _run(self) -> None:
        with self._app.app_context():
            instance = config().instance
            while not self._ending.wait(LOOK_SECONDS):
                order = _taken(instance)
                if order is not None:
                    self._follow(order)

    def _follow(self, order: Order) -> None:
        try:
            self.make(order)
        except BackupFailed as error:
            log.warning("the backup into %s failed: %s", order.folder, error)
            latest = read_note(config().instance)
            if latest is None or latest.id != order.id:  # refused before it began
                now = clock.now().isoformat(timespec="seconds")
                refused = Note(
                    id=order.id, folder=order.folder, scheduled=False, began_at=now, ended_at=now
                )
                _write(config().instance / notes.NAME, asdict(replace(refused, error=str(error))))
        except Exception:
            log.exception("the backup into %s failed", order.folder)


def init_app(app: Flask) -> None:
    """Give the app its `Backups`, which look for orders after `start`."""
    app.extensions[EXTENSION] = Backups(app)


def current() -> Backups:
    """Return the running app's backups."""
    return cast("Backups", current_app.extensions[EXTENSION])


def noted(
    order: Order, cancelled: threading.Event, say: Callable[[str], None] = log.debug
) -> Manifest:
    """Make a backup in this process and keep the note of it; raise BackupFailed."""
    instance = config().instance
    teller = _Teller(order, instance, say)
    pace = Pace(
        bytes_per_second=order.bytes_per_second,
        report=teller.copied,
        say=teller.stage,
        cancelled=cancelled,
    )
    try:
        store.current().expect(soundness.with_telemetry())
        made = making.make(Path(order.folder), identity(instance), pace, scheduled=order.scheduled)
        if order.scheduled:
            teller.stage("reads the backup")
            _refuse_a_bad(Path(order.folder))
    except BaseException as error:
        teller.ended(error=str(error) or type(error).__name__)
        raise
    teller.ended(made=made)
    if made.missing:
        log.error("the backup %s is not whole: %s", order.folder, made.lacks)
    return made


def _refuse_a_bad(folder: Path) -> None:
    """Delete a backup that was just made and is not good; raise BackupFailed saying why."""
    _, checks = verify(folder, config())
    wrong = [check.sentence for check in checks if not check.good]
    if wrong:
        shutil.rmtree(folder)
        raise BackupFailed(f"the backup was made and is not good: {'; '.join(wrong)}")


def order_or_make(order: Order, say: Callable[[str], None]) -> Note:
    """Let the running console make a backup, or make it here if none runs; return its note.

    `say` receives the present step. Raises BackupFailed.
    """
    instance = config().instance
    try:
        with alone(instance):
            noted(order, threading.Event(), say)
    except InstanceBusy:
        _leave(order, instance)
        try:
            return _followed(order, instance, say)
        finally:
            (instance / ORDER).unlink(missing_ok=True)
    note = read_note(instance)
    if note is None:
        raise BackupFailed("the note of this backup is gone")
    return note


def _leave(order: Order, instance: Path) -> None:
    """Put the order where the console looks; raise BackupFailed if another one lies there."""
    draft = instance / f"{ORDER}.{order.id}"
    draft.write_bytes(orjson.dumps(asdict(order)))
    try:
        os.link(draft, instance / ORDER)
    except FileExistsError:
        raise BackupFailed("another backup is ordered already") from None
    finally:
        draft.unlink()


def _drop_old(path: Path) -> None:
    with suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime > ORDER_SECONDS:
            path.unlink()


def _taken(instance: Path) -> Order | None:
    path = instance / ORDER
    try:
        order = Order(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, TypeError) as error:
        log.warning("the order of a backup cannot be read: %s", error)
        path.unlink(missing_ok=True)
        return None
    path.unlink(missing_ok=True)
    return order


def _followed(order: Order, instance: Path, say: Callable[[str], None]) -> Note:
    """Wait until the console has carried the order out; raise BackupFailed if it did not."""
    stage = ""
    while True:
        note = read_note(instance)
        mine = note if note is not None and note.id == order.id else None
        if mine and mine.stage != stage and mine.stage:
            stage = mine.stage
            say(stage)
        if mine and mine.error:
            raise BackupFailed(mine.error)
        if mine and mine.ended_at:
            return mine
        with suppress(InstanceBusy), alone(instance):
            raise BackupFailed("the console ended while it made the backup")
        time.sleep(LOOK_SECONDS)


class _Teller:
    """Keeps the note of a backup up to date."""

    def __init__(self, order: Order, instance: Path, say: Callable[[str], None]) -> None:
        latest = read_note(instance)
        self._path = instance / notes.NAME
        self._say = say
        self._began = time.monotonic()
        self._due = 0.0
        self._note = Note(
            id=order.id,
            folder=order.folder,
            scheduled=order.scheduled,
            began_at=clock.now().isoformat(timespec="seconds"),
            good_at=latest.good_at if latest else "",
            good_folder=latest.good_folder if latest else "",
        )

    def stage(self, sentence: str) -> None:
        self._say(sentence)
        self._change(stage=sentence)

    def copied(self, count: int) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + TELL_SECONDS
            self._change(copied=count)

    def ended(self, *, made: Manifest | None = None, error: str = "") -> None:
        changes: dict[str, Any] = {
            "ended_at": clock.now().isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self._began, 3),
            "error": error,
            "stage": "",
        }
        if made is not None:
            changes |= {
                "copied": sum(file["size"] for file in made.files.values()),
                "paused_seconds": made.paused_seconds,
                "lacks": made.lacks,
            }
        if made is not None and not made.missing:
            changes |= {"good_at": made.made_at, "good_folder": self._note.folder}
        self._change(**changes)

    def _change(self, **changes: Any) -> None:
        self._note = replace(self._note, **changes)
        _write(self._path, asdict(self._note))


def _write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(orjson.dumps(content))
    draft.replace(path)
