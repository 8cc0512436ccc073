"""An event loop in a thread of its own, for work that goes on beside whoever hands it over."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any


class LoopThread:
    """A loop that runs until it is stopped."""

    def __init__(self, name: str, executor: Executor | None = None) -> None:
        """Start the thread; `executor` has the loop's blocking calls, if it is not the usual."""
        self._loop = asyncio.new_event_loop()
        if executor is not None:
            self._loop.set_default_executor(executor)
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def begin(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Have the loop run a coroutine, and return at once."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        """Cancel what runs, wait until it has ended, and end the thread."""
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    """End the other tasks of the loop, and wait until they have."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
