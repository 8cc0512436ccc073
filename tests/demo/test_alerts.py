"""What watches the demonstration's shop, and the mistake that fires it."""

from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from demo import alerts
from tests.support.live import Server


def status(url: str) -> int:
    """What an address answers."""
    try:
        with urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as answer:
        with answer:
            return answer.code


class Closed(Exception):
    """The demonstration ends."""


@pytest.fixture
def server(instance, database):
    """A console that may call this machine, as the demonstration starts it."""
    server = Server(instance, database, PHAROS_PRIVATE_ADDRESSES="1").start()
    yield server
    server.stop()


def test_the_shop_is_watched_once(server):
    project = server.project()
    home = ("--organization", project.organization, "--project", project.slug)
    permissions = [part for name in alerts.PERMISSIONS for part in ("--permission", name)]
    token = server.run("token", "create", *home, *permissions).strip()
    for _ in range(2):
        alerts.watch(project.api, token)
    rules = alerts._api(f"{project.api}/rules", token)["rules"]
    assert [rule["name"] for rule in rules].count(alerts.RULE["name"]) == 1
    (silence,) = alerts._api(f"{project.api}/silences", token)["silences"]
    assert silence["cron"] == alerts.SILENCE["cron"]
    for port in (9, 19):
        alerts.check(project.api, token, {"Shop": f"http://127.0.0.1:{port}/"})
    (check,) = alerts._api(f"{project.api}/checks", token)["checks"]
    assert (check["name"], check["url"]) == ("Shop", "http://127.0.0.1:19/")
    with pytest.raises(RuntimeError, match="ends"):
        alerts._api(f"{project.api}/silences", token, {"reason": "no end"})


def test_mistakes_come_in_bursts_even_while_the_shop_is_closed():
    waited: list[float] = []
    answers: dict[float, set[int]] = {}
    payments = alerts.Payments()

    def wait(seconds: float) -> None:
        waited.append(seconds)
        answers.setdefault(seconds, set()).add(status(payments.url))
        if waited.count(alerts.BETWEEN) == 2:
            raise Closed

    with suppress(Closed):
        alerts.mistakes("http://127.0.0.1:9", payments, wait)
    assert waited[0] == alerts.FIRST
    assert waited.count(alerts.PAUSE) == sum(alerts.MISTAKES)
    assert answers == {alerts.FIRST: {200}, alerts.PAUSE: {503}, alerts.BETWEEN: {200}}
