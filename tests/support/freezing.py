"""Processes that are frozen by SIGSTOP, as a machine that swaps or a paused container freezes."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path


def freeze(pid: int | None, file: Path) -> None:
    """Stop a process between two transactions: on SQLite nobody passes one that holds the file."""
    assert pid is not None
    for _ in range(200):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        if not file.exists():
            return
        with closing(sqlite3.connect(file, timeout=0.2, isolation_level=None)) as state:
            try:
                state.execute("BEGIN IMMEDIATE")
                state.execute("ROLLBACK")
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.1)
            else:
                return
    raise TimeoutError("the process held the file whenever it was stopped")
