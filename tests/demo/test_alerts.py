"""What watches the demonstration's shop, and the mistake that fires it."""

from contextlib import suppress

import pytest

from demo import alerts
from tests.support.live import Server


class Closed(Exception):
    """The demonstration ends."""


def test_the_shop_is_watched_once(server: Server):
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
    with pytest.raises(RuntimeError, match="400"):
        alerts._api(f"{project.api}/silences", token, {"reason": "no end"})


def test_mistakes_come_in_bursts_even_while_the_shop_is_closed():
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if waited.count(alerts.BETWEEN) == 2:
            raise Closed

    with suppress(Closed):
        alerts.mistakes("http://127.0.0.1:9", wait)
    assert waited[0] == alerts.FIRST
    assert waited.count(alerts.PAUSE) == 2 * alerts.MISTAKES
