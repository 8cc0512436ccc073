"""What several tests in the browser begin with."""

from collections.abc import Callable, Iterator

import pytest

from tests.browser.visiting import Shop


@pytest.fixture
def shop() -> Iterator[Callable[[str, str], "Shop"]]:
    started: list[Shop] = []

    def start(dsn: str, release: str) -> Shop:
        started.append(Shop(dsn, release))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.process.communicate()
