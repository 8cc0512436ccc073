"""What failed in a run, in few lines at its very end, and errors outside of tests kept to a test.

Where a run's output is cut, its end is what is seen.
"""

from collections.abc import Generator
from typing import Any

import pytest

WIDTH, MOST, TAIL = 200, 40, 20


class Failures:
    """Remembers what failed in all workers, and prints it when pytest has printed everything."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self.failed: list[str] = []
        self.internal: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a test, or a fixture of one, that failed."""
        if report.failed:
            self.failed.append(f"{report.nodeid} ({report.when}): {first_line(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that cannot be imported."""
        if report.failed:
            self.failed.append(f"{report.nodeid} (collection): {last_line(report)}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remember where an error ended a worker or the run itself."""
        self.internal += ["Internal error:", *str(excrepr).splitlines()[-TAIL:]]

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the list; whatever was not executed after an internal error is in no list."""
        more = len(self.failed) - MOST
        lines = [*self.failed[:MOST], *([f"and {more} more"] if more > 0 else []), *self.internal]
        if lines:
            writer = config.get_terminal_writer()
            writer.line()
            for line in ("What failed:", *lines):
                writer.line(line[:WIDTH])


def first_line(report: pytest.TestReport) -> str:
    """The first line of the error, without where it was raised."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash is not None else report.longreprtext
    return next(iter(message.splitlines()), "")


def last_line(report: pytest.CollectReport) -> str:
    """The last line of a traceback: the error itself."""
    return next(reversed(report.longreprtext.splitlines()), "")


class Contained:
    """Lets an error outside of a test's phases (a hook, a report) fail that test alone.

    Else it ends the worker, and with it the whole run: what has not been executed is lost.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, Any, Any]:
        """Make a report of any text one that a worker can send: half a pair of UTF-16 is none."""
        return sendable((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Run a test; whatever gets out is its failure."""
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException:  # noqa: BLE001 - as pytest itself does for what a phase raises
            error = pytest.ExceptionInfo.from_current()
            report = pytest.TestReport(
                nodeid=item.nodeid,
                location=item.location,
                keywords={},
                outcome="failed",
                longrepr=error.getrepr(style="short"),
                when="call",
            )
            item.session._setupstate.teardown_exact(nextitem)
            item.ihook.pytest_runtest_logreport(report=report)
            return True


def sendable(value: Any) -> Any:
    """The same texts, lists and dictionaries, with what UTF-8 does not know in ASCII."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {sendable(name): sendable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(sendable(member) for member in value)
    return value
