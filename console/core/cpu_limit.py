"""A limit of processor time for a piece of work, which the work itself asks for as it goes."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count


class CpuLimitReached(Exception):
    """The work has used all the processor time that it may."""


class _Work(threading.local):
    ends = math.inf


_work = _Work()
_step = count().__next__  # of all threads: the work of some is not worth a counter for each
STEPS = 32  # between two looks at the clock, which takes a microsecond


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Limit what is done here by this thread: `check_cpu` raises CpuLimitReached past it."""
    _work.ends = time.thread_time() + seconds
    try:
        yield
    finally:
        _work.ends = math.inf


def check_cpu() -> None:
    """Raise CpuLimitReached if this thread's work is past its limit.

    For loops over what a sender sent, where a step is short: every 32nd call looks at the clock.
    """
    if not _step() % STEPS and time.thread_time() > _work.ends:
        raise CpuLimitReached
