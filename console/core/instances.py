"""The instance folder: who may work on it alone, and the name that it keeps."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from secrets import token_hex

LOCK = "lock"
ID = "id"
JOURNAL = "restore.json"
"""There while a restore moves files: nothing in the folder may be opened."""
RESTORED = "restored.json"
"""There from a restore until the console has taken notice of it."""


class InstanceBusy(Exception):
    """Another process, most likely a running console, holds the instance folder."""


@contextmanager
def alone(instance: Path) -> Iterator[None]:
    """Hold the folder, as a running console does; raise InstanceBusy if another process holds it.

    The kernel lets go of it when the process ends, however it ends.
    """
    with (instance / LOCK).open("a") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise InstanceBusy from None
        yield


def identity(instance: Path) -> str:
    """A name that the folder keeps, wherever it is moved to."""
    path = instance / ID
    name = path.read_text().strip() if path.exists() else ""
    if not name:  # never made, or by a process that was killed before it had written it
        draft = path.with_name(f"{ID}.{token_hex(4)}")
        draft.write_text(token_hex(16))
        draft.replace(path)
        name = path.read_text()
    return name


@contextmanager
def nobody_serves(instance: Path) -> Iterator[bool]:
    """Whether no console runs on the instance; if so, none can start meanwhile."""
    with ExitStack() as held:
        try:
            held.enter_context(alone(instance))
        except InstanceBusy:
            yield False
        else:
            yield True
