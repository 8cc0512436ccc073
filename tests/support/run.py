"""A run of the tests: the folder that its workers share, and what holds in each of them."""

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest
from flask import Flask

from tests.support import postgres
from tests.support.failures import Contained, Failures
from tests.support.routing import KnownRule

SHARED = "PHAROS_TEST_SHARED"
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30  # bytes: the whole suite leaves less than one gigabyte at any time


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all workers of this run share, and consoles quick to make."""
    Flask.url_rule_class = KnownRule
    slow = [hypothesis.HealthCheck.too_slow]  # as a busy machine is
    hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("busy")
    # Each process of a run would compile tests and console again: 5.7 s, or 0.5 s for a command.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.pluginmanager.register(Contained())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures())
        folder = Path(tempfile.mkdtemp(prefix="pharos-", dir=_quickest()))
        folder.chmod(0o755)  # PostgreSQL runs in it under another account
        os.environ[SHARED] = str(folder)


def _quickest() -> str | None:
    """The folder in memory, if programs may be started in it and there is room; else any.

    The console waits for the disk at each commit, 4 ms on a virtual machine and ten times a test.
    """
    if not os.access(MEMORY, os.W_OK):
        return None
    state = os.statvfs(MEMORY)
    is_fit = state.f_bavail * state.f_frsize >= ENOUGH and not state.f_flag & os.ST_NOEXEC
    return str(MEMORY) if is_fit else None


def pytest_collection_finish() -> None:
    """Let no garbage collection look again at what lives as long as the run: 5 % of its time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the workers started, when all of them are done."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(SHARED))
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def shared() -> Path:
    """Return the folder that the workers of this run share."""
    return Path(os.environ[SHARED])
