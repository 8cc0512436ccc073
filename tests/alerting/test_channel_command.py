"""`pharos channel` lists channels and tries them out."""

import json

import pytest

from console.alerting.delivery import channels
from console.channels.registry import KINDS
from console.core.db import db
from tests.fakes import hook
from tests.support.live import Server


@pytest.fixture
def commands(instance, database):
    return Server(instance, database, PHAROS_PRIVATE_ADDRESSES="1")


@pytest.mark.usefixtures("both_databases")
def test_a_channel_is_tried_out_and_listed(acme, inside, commands):
    with hook.serving() as receiver:
        with inside(acme):
            channels.create(KINDS["webhook"], "Ops", {"url": receiver.url, "secret": "s3cr3t"})
            db.session.commit()
        assert "handed over to Webhook" in commands.run("channel", "test", "acme", "Ops")
    (message,) = receiver.messages
    assert "This is a test of the channel Ops" in json.dumps(message)
    listed = commands.run("channel", "list", "--organization", "acme", "--json")
    (row,) = json.loads(listed)
    assert (row["name"], row["kind"], row["state"]) == ("Ops", "webhook", "works")
    assert "s3cr3t" not in listed
    printed = json.loads(commands.run("channel", "test", "acme", "Ops", "--json", code=1))
    assert printed["delivered"] is False
    assert "failing" in commands.run("channel", "list", "--organization", "acme")


def test_a_channel_that_is_none_is_named(acme, commands):
    assert acme
    commands.run("channel", "test", "acme", "nowhere", code=1)
