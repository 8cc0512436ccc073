"""Coroutines for callers that are none."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

Result = TypeVar("Result")


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns or raises, in an event loop of its own.

    Where the calling thread has a loop that runs, as whoever embeds the console may, it is one of
    another thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as pool:  # it sees the caller's app, as the loop here would
        return pool.submit(copy_context().run, asyncio.run, coroutine).result()
