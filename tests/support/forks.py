"""Processes of the tests, forked from one that has imported the console: Python takes 1.5 s to."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.cli.main import main
from tests.support.databases import ROOT

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.preloaded"])
FOREIGN = ("PHAROS_", "SENTRY_", "DATABASE_URL", "OWNER_DATABASE_URL", "SMTP_URL", "SECRET_KEY")
PATIENCE = 30.0


class Command:
    """A `pharos` command in a process and a group of its own, which prints into a file."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Start it; `environ` is added to what is none of the console's settings."""
        self._process = FORKS.Process(
            target=_run, args=(arguments, dict(environ), log), daemon=True
        )
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.exitcode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, and wait until it has ended."""
        if self._process.pid is not None and self.returncode is None:
            os.killpg(self._process.pid, number)
            self._process.join(PATIENCE)


def foreign() -> list[str]:
    """Names of this process's environment that would be settings of a console."""
    return [name for name in os.environ if name.startswith(FOREIGN)]


def _run(arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
    """Do what `python -m console.cli` does."""
    os.setsid()
    os.chdir(ROOT)
    for name in foreign():
        del os.environ[name]
    os.environ.update(environ)
    with log.open("ab") as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
    sys.argv = ["pharos", *arguments]
    main()
