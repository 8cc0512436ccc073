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
    may_end = math.inf  # on the monotonic clock: before it the limit cannot be reached
    ends = math.inf  # in processor time of the thread


_work = _Work()
_step = count().__next__  # of all threads: the work of some is not worth a counter for each
STEPS = 32  # between two looks at the clock


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Limit this thread's processor time inside: beyond it, `check_cpu` raises CpuLimitReached."""
    _work.ends = time.thread_time() + seconds
    _work.may_end = time.monotonic() + seconds
    try:
        yield
    finally:
        _work.ends = _work.may_end = math.inf


def check_cpu() -> None:
    """Raise CpuLimitReached if this thread's work is past its limit.

    Call it in loops over data that clients sent. Every 32nd call reads the wall clock, which a
    thread's processor time never overtakes; reading the processor time itself takes a system call
    and ten times as long.
    """
    if not _step() % STEPS and time.monotonic() > _work.may_end:
        left = _work.ends - time.thread_time()
        if left < 0:
            raise CpuLimitReached
        _work.may_end = time.monotonic() + left
