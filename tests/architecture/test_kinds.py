"""The tests that `make quick` leaves out are those that start processes."""

import pytest

from tests.ingest import killed
from tests.support import chromium, consoles, databases, factories, javascript, live, strangers
from tests.support.kinds import starts_processes


@pytest.mark.parametrize(
    "function",
    [
        chromium.launched,
        javascript.bundle,
        killed.killed_under_load,
        live.Server.start,
        strangers.strict_console,
        lambda: killed.killed_under_load,
    ],
)
def test_what_starts_a_process_is_found(function):
    assert starts_processes(function)


@pytest.mark.parametrize(
    "function", [consoles.console, databases.sqlite, databases.postgresql, factories.signed_in]
)
def test_what_works_in_this_process_is_not(function):
    assert not starts_processes(function)
