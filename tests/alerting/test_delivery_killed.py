"""kill -9 between a breach and its message loses nothing, and sends twice only with one key."""

import os
from dataclasses import replace

import pytest

from console.accounts.models import Project
from console.core.db import db
from tests.alerting import breakers
from tests.alerting.breakers import account, add_hook, break_it, deliver_beside, notify, settle
from tests.fakes import hook
from tests.support.forks import FORKS

KILLS = int(os.environ.get("KILLS", "3"))
CHANNELS = 4
ANSWER_SECONDS = 0.1
"""The receiver takes so long, that a kill meets messages under way."""


@pytest.fixture
def settings(settings):
    """The console may call this machine."""
    return replace(settings, private_addresses=True, base_url="http://pharos.test")


@pytest.fixture
def received(acme, inside):
    """The receiver of four channels, which every incident of acme goes to."""
    with hook.serving() as service, inside(acme):
        project = db.session.get_one(Project, acme.id)
        notify(project, [add_hook(f"Hook {n}", f"{service.url}/{n}") for n in range(CHANNELS)])
        db.session.remove()
        yield service


@pytest.mark.usefixtures("both_databases")
def test_kill_9_loses_no_message(acme, inside, settings, received, clock, capsys):
    received.delay = ANSWER_SECONDS
    for kill in range(KILLS):
        with inside(acme):
            breakers.notify_fresh_hooks(acme.id, received.url, f"Kill {kill}", CHANNELS)
        breakers.kill_while_it_delivers(settings, acme.organization_id, f"Kill {kill}")
    with inside(acme):
        settle(acme.organization_id, lambda: clock.move(minutes=2))
        result = account(received.by_key)
    assert result.incidents >= KILLS
    assert result.lost == 0
    assert result.strange == 0
    with capsys.disabled():
        print(f"\n{KILLS} kills: {result}")


@pytest.mark.usefixtures("both_databases")
def test_two_processes_send_nothing_twice(acme, inside, settings, received):
    with inside(acme):
        project = db.session.get_one(Project, acme.id)
        for number in range(8):
            break_it(project, f"Rule {number}")
    begin = FORKS.Event()
    given = (settings, acme.organization_id, begin)
    processes = [FORKS.Process(target=deliver_beside, args=given, daemon=True) for _ in range(2)]
    for process in processes:
        process.start()
    begin.set()
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    assert len(received.by_key) == 8 * CHANNELS
    assert set(received.by_key.values()) == {1}
