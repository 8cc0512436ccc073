"""Coroutines in tests of a process where Playwright's own event loop may run."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns or raises, in a loop and a thread of its own.

    Browser tests leave a loop running in the worker's main thread, where `asyncio.run` refuses.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
