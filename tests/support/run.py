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
from tests.support.routing import KnownRule

SHARED = "PHAROS_TEST_SHARED"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all workers of this run share, and consoles quick to make."""
    Flask.url_rule_class = KnownRule
    slow = [hypothesis.HealthCheck.too_slow]  # as a busy machine is
    hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("busy")
    # Each process of a run would compile tests and console again: 5.7 s, or 0.5 s for a command.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="pharos-"))
        folder.chmod(0o755)  # PostgreSQL runs in it under another account
        os.environ[SHARED] = str(folder)


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
