"""Receivers of one organization that hang delay no message of another."""

import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from console.accounts.models import Project
from console.core.db import db
from tests.alerting.breakers import add_hook, break_it, notify
from tests.fakes import hook
from tests.support.live import Server
from tests.support.waiting import until

HANGING, INCIDENTS, ANSWERS = 20, 25, 4
WITHIN = 8.0
"""Seconds from an answer to the message of it, beside 20 receivers that hang and 500 messages.

A try that hangs takes 20 seconds, so waiting for any of them shows; an idle machine needs below 1.
"""
PATIENCE = 90


@pytest.mark.usefixtures("both_databases")
def test_channels_that_hang_delay_no_message_of_another_organization(
    acme, globex, inside, instance, database, capsys
):
    with hook.serving() as hangs, hook.serving() as good:
        hangs.hangs = True
        with inside(acme):
            own = db.session.get_one(Project, acme.id)
            notify(own, [add_hook(f"hangs {n}", f"{hangs.url}/{n}") for n in range(HANGING)])
            for number in range(INCIDENTS):
                break_it(own, f"API {number} is slow")
        with inside(globex):
            theirs = db.session.get_one(Project, globex.id)
            notify(theirs, [add_hook("good", good.url)])
            for number in range(ANSWERS):
                break_it(theirs, f"Shop {number} is slow")
        server = Server(instance, database, PHAROS_PRIVATE_ADDRESSES="1").start()
        try:
            until(lambda: len(hangs.hanging) >= HANGING, "tries that hang", seconds=PATIENCE)
            until(lambda: len(good.messages) >= ANSWERS, "the other ones", seconds=PATIENCE)
            links = [message["acknowledge_url"] for message in good.messages]
            delays = [_delay_of(server.url + urlsplit(link).path, good) for link in links]
        finally:
            server.kill()
    with capsys.disabled():
        print(f"\nmessages of the neighbour: {', '.join(f'{delay:.2f}' for delay in delays)} s")
    assert max(delays) < WITHIN


def _delay_of(link: str, receiver: hook.Hook) -> float:
    """The seconds from an answer until its receiver has the message of it."""
    before, began = len(receiver.messages), time.monotonic()
    with urlopen(Request(f"{link}/acknowledgement", data=b""), timeout=PATIENCE) as answer:
        assert answer.status == 200
    until(lambda: len(receiver.messages) > before, "the message of it", seconds=PATIENCE)
    return time.monotonic() - began
