"""New releases reach PagerDuty as changes, each once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from console.accounts import releases
from console.alerting.delivery import channels, deploys
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.channels.registry import KINDS
from console.core import clock
from console.core.db import db
from tests.alerting.deliveries import deliver
from tests.fakes import pagerduty
from tests.fakes.pagerduty import ROUTING_KEY
from tests.support.scheduled import perform

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def service():
    with pagerduty.serving() as service:
        yield service


@pytest.fixture
def settings(settings, service):
    """The console calls PagerDuty on this machine."""
    return replace(settings, pagerduty_url=service.url, base_url="https://pharos.acme.test")


@pytest.fixture
def add_channel(acme, inside):
    def add_channel(name: str, **given: str) -> int:
        values = {"routing_key": ROUTING_KEY, "region": "us", **given}
        with inside(acme):
            channel = channels.create(KINDS["pagerduty"], name, values)
            db.session.commit()
            return channel.id

    return add_channel


@pytest.fixture
def saw(acme, inside):
    def saw(version: str, **age: int) -> None:
        with inside(acme):
            at = clock.now() - deploys.LATE * 2 if age.get("old") else clock.now()
            releases.saw(acme.id, [("production", version, at)])
            db.session.commit()

    return saw


def test_a_release_is_a_change_where_changes_are_wanted(
    app, acme, inside, clock, service, add_channel, saw
):
    add_channel("Quiet")
    add_channel("Loud", deploys="yes")
    saw("shop@1.4.0")
    saw("shop@1.0.0", old=1)
    for _ in range(2):
        with app.app_context():
            perform("announce-deploys")
        with inside(acme):
            deliver(acme)
    (change,) = service.changes
    assert change["payload"]["summary"] == "Release shop@1.4.0 of Shop was seen first"
    assert change["payload"]["custom_details"] == {"Environment": "production"}
    assert change["links"][0]["href"].startswith("https://pharos.acme.test/acme/shop/")
    assert service.events == []


def test_a_change_that_does_not_arrive_is_no_mail_to_the_owners(
    app, acme, inside, service, add_channel, saw, smtp
):
    add_channel("Loud", deploys="yes", routing_key="0" * 32)
    saw("shop@1.4.0")
    with inside(acme):
        deploys.announce(acme.organization_id)
        deliver(acme)
        states = db.session.scalars(select(OutboxMessage.state)).all()
    assert states == [MessageState.FAILED]
    assert smtp.messages == []
