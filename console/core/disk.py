"""Whether the disk of the instance folder has room; asked often, looked at every other second."""

import shutil
from pathlib import Path
from time import monotonic

SHARE, MOST = 0.05, 2 << 30  # low below a twentieth of the disk; 2 GB are enough on any
RISE = 1.25  # a low disk has room again with so much more: no flapping at the edge
FRESH_SECONDS = 2.0


class Disk:
    """The free space of a folder's disk."""

    def __init__(self, folder: Path) -> None:
        """Measure nothing until the first question."""
        self._folder = folder
        self._looked_at = -FRESH_SECONDS
        self._free = 0
        self._is_low = False

    @property
    def is_low(self) -> bool:
        """Whether there is so little space left that the operator should act."""
        self._look()
        return self._is_low

    @property
    def free(self) -> int:
        """The free bytes."""
        self._look()
        return self._free

    def _look(self) -> None:
        if monotonic() - self._looked_at < FRESH_SECONDS:
            return
        self._looked_at = monotonic()
        usage = shutil.disk_usage(self._folder)
        floor = min(usage.total * SHARE, MOST) * (RISE if self._is_low else 1)
        self._free, self._is_low = usage.free, usage.free < floor
