"""Scheduled backups: when one is due, and which older ones are deleted after a good one."""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from console.backup import manifest, orders
from console.backup.copies import BackupFailed, sync
from console.backup.making import UNFINISHED_SUFFIX
from console.backup.manifest import Manifest
from console.backup.orders import Order
from console.core import clock
from console.core.config import config
from console.core.instances import identity

NAME = re.compile(r"pharos-\d{8}T\d{6}Z")
SLACK = timedelta(minutes=10)  # so that a daily one does not wander by an hour each day


def back_up() -> str:
    """Make the backup that is due, if any, and then delete old ones beyond the number kept.

    Raises BackupFailed; the older backups then stay.
    """
    settings = config()
    if not settings.backup_dir:
        return "none are scheduled: PHAROS_BACKUP_DIR is not set"
    folder, instance_id = Path(settings.backup_dir).absolute(), identity(settings.instance)
    now = clock.now()
    past = (made.made_at for _, made in _own(folder, instance_id) if _has_passed(made))
    latest = max(past, default="")
    due = timedelta(hours=settings.backup_hours) - SLACK
    if latest and now - datetime.fromisoformat(latest) < due:
        return f"the latest is of {latest}"
    target = folder / now.strftime("pharos-%Y%m%dT%H%M%SZ")
    made = orders.current().make(Order(folder=str(target), scheduled=True))
    deleted = _delete_old(folder, instance_id, settings.backup_keep)
    lacks = f", NOT WHOLE: {made.lacks}" if made.missing else ""
    return f"{target.name} made, {deleted} deleted{lacks}"


def _own(folder: Path, instance_id: str) -> Iterator[tuple[Path, Manifest]]:
    """The complete scheduled backups of this instance in the folder."""
    for path in folder.iterdir() if folder.exists() else ():
        if not NAME.fullmatch(path.name):
            continue
        try:
            made = Manifest.read(path)
        except BackupFailed:
            continue
        if made.scheduled and made.instance == instance_id:
            yield path, made


def _has_passed(made: Manifest) -> bool:
    """Whether a backup's time has come; else it was made before the clock was set back."""
    return datetime.fromisoformat(made.made_at) <= clock.now() + SLACK


def _age(made: Manifest) -> tuple[bool, str]:
    """The key by which backups go from old to new; of another clock's, nobody knows how old."""
    return _has_passed(made), made.made_at


def _delete_old(folder: Path, instance_id: str, kept: int) -> int:
    """Delete backups beyond the newest `kept`, and leftovers of interrupted ones.

    While each of the kept ones lacks some telemetry, the newest complete backup is kept as well.
    """
    own = sorted(_own(folder, instance_id), key=lambda backup: _age(backup[1]), reverse=True)
    surplus = own[kept:]
    if not any(not made.missing for _, made in own[:kept]):
        whole = next((backup for backup in surplus if not backup[1].missing), None)
        surplus = [backup for backup in surplus if backup is not whole]
    for path, _ in surplus:
        (path / manifest.UNFINISHED).write_text(instance_id)  # never taken for a whole one again
        path.rename(path.with_name(f"{path.name}{UNFINISHED_SUFFIX}"))
    for path in folder.glob(f"pharos-*{UNFINISHED_SUFFIX}"):
        mark = path / manifest.UNFINISHED
        ours = NAME.fullmatch(path.name.removesuffix(UNFINISHED_SUFFIX))
        if ours and mark.exists() and mark.read_text() == instance_id:
            shutil.rmtree(path)
    sync(folder)
    return len(surplus)
