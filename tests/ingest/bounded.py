"""Limits of processor time and memory for a piece of work in the process of the test."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def bounded(*, seconds: float, mb: int) -> Iterator[None]:
    """Fail when the work took more of this thread's processor time, or more memory at its peak."""
    tracemalloc.start()
    began = time.thread_time()
    try:
        yield
        spent = time.thread_time() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spent < seconds, f"{spent:.2f} s of processor time"
    assert peak < mb << 20, f"{peak >> 20} MB"
