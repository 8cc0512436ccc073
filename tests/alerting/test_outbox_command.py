"""`pharos outbox` delivers what is due, and says what is not delivered."""

import json

import pytest

from console.accounts.models import Project
from console.core.db import db
from tests.alerting.breakers import add_hook, break_it, notify
from tests.alerting.deliveries import add_incident, by_mail, owe
from tests.fakes import hook
from tests.support.live import Server


@pytest.fixture
def commands(instance, database, smtp):
    """Commands of acme's instance, where no console runs."""
    given = {"SMTP_URL": smtp.url, "PHAROS_PRIVATE_ADDRESSES": "1"}
    return Server(instance, database, PHAROS_URL="http://pharos.test", **given)


@pytest.mark.usefixtures("both_databases")
def test_drain_delivers_what_is_due(acme, inside, commands):
    with hook.serving() as received:
        with inside(acme):
            project = db.session.get_one(Project, acme.id)
            notify(project, [add_hook("Ops", received.url)])
            break_it(project, "API is slow")
        printed = commands.run("outbox", "drain", "--organization", "acme", "--json")
        assert json.loads(printed) == {"sent": 1}
        assert commands.run("outbox", "drain") == "nothing is due\n"
    (message,) = received.messages
    assert "API is slow" in json.dumps(message)
    assert "http://pharos.test/acme/shop/alerts/incidents/" in json.dumps(message)


def test_drain_ends_with_1_where_something_is_not_delivered(acme, inside, commands, smtp):
    smtp.refusal = "451 come back later"
    with inside(acme):
        owe(add_incident(acme), by_mail("ada@acme.test"))
    assert commands.run("outbox", "drain", code=1) == "1 waiting\n"
    (row,) = json.loads(commands.run("outbox", "list", "--organization", "acme", "--json"))
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert "451" in row["error"]
    assert "451" in commands.run("outbox", "list", "--organization", "acme")


def test_an_organization_that_does_not_exist_is_named(acme, commands):
    assert acme
    commands.run("outbox", "drain", "--organization", "nobody", code=1)
