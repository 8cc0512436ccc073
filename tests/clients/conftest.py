"""One live console for the clients of a worker; each test has a project of its own."""

from collections.abc import Iterator

import pytest

from tests.support import databases
from tests.support.live import Server
from tests.support.run import shared


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A live `pharos serve` on a free port."""
    instance = tmp_path_factory.mktemp("clients")
    database = databases.sqlite(shared(), instance)
    server = Server(instance, database).start()
    yield server
    server.stop()
