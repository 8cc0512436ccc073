"""Delivery is held by hand or by a restore: nothing leaves, and nothing old goes out as if new."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.alerting import waking, watchdog
from console.alerting.delivery import holds
from console.alerting.delivery.models import HoldReason, MessageState
from console.alerting.escalation import releasing
from console.alerting.escalation.advance import advance, overdue
from console.alerting.models import Incident
from console.core import clock
from console.core.audit import AuditEntry
from console.core.db import db
from console.core.instances import RESTORED
from tests.alerting.breakers import add_hook, break_it, notify
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe
from tests.alerting.escalations import OWNERS, opened, owed, person, policy, resolve, standing, step
from tests.fakes import hook
from tests.fakes.web import Answer
from tests.support.clients import HTMX
from tests.support.live import Server
from tests.support.waiting import until
from tests.telemetry.samples import NOON

ADA, ALICE = "ada@acme.test", "alice@acme.test"
PAGE = "/acme/settings/deliveries"


@pytest.fixture
def settings(settings, smtp):
    """The console sends mail to the tests' own server."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


def held(reason=HoldReason.BY_HAND):
    """Hold delivery in the present Session's organization; commits."""
    holds.hold(reason, backup_at=clock.now() if reason is HoldReason.RESTORED else None)
    db.session.commit()


@pytest.mark.usefixtures("both_databases")
def test_nothing_leaves_while_delivery_is_held(acme, inside, smtp):
    with inside(acme):
        releasing.hold()
        owe(add_incident(acme), by_mail(ADA))
        assert deliver(acme) == 0
        assert smtp.messages == []
        assert releasing.release(discard_old=False) == 0
        assert deliver(acme) == 1
    assert len(smtp.messages) == 1


def test_a_restore_discards_what_may_have_been_sent_since(acme, inside, clock, smtp):
    with inside(acme):
        owe(add_incident(acme, "Before the backup"), by_mail(ADA))
        clock.move(hours=5)
        held(HoldReason.RESTORED)
        clock.move(seconds=1)
        owe(add_incident(acme, "After the restore"), by_mail(ADA))
        assert releasing.release(discard_old=True) == 1
        deliver(acme)
        before, after = messages()
        assert (before.state, after.state) == (MessageState.DISCARDED, MessageState.SENT)
    (mail,) = smtp.messages
    assert "After the restore" in mail["Subject"]


@pytest.mark.usefixtures("both_databases")
def test_escalations_do_not_run_through_their_steps_after_a_hold(acme, inside, clock):
    clock.set(NOON)
    with inside(acme):
        steps = step(OWNERS), step(person(ALICE), after=10), step(OWNERS, after=10)
        lasting, over = (opened(acme, policy(*steps, repeats=3)) for _ in range(2))
        clock.move(days=2)
        held(HoldReason.RESTORED)
        advance(acme.organization_id)
        assert overdue(timedelta()) == [], "the watchdog need not wonder"
        assert len(owed(lasting)) == 1
        resolve(over)
        before = len(owed(over))
        releasing.release(discard_old=True)
        advance(acme.organization_id)
        assert len(owed(lasting)) == 1, "rules first end what is over"
        clock.move(minutes=1)
        advance(acme.organization_id)
        assert len(owed(lasting)) == 2
        assert standing(lasting).next_at == clock.now() + timedelta(minutes=10)
        assert len(owed(over)) == before


def test_snoozes_end_and_messages_wait_quietly_while_delivery_is_held(acme, inside, clock):
    with inside(acme):
        incident = add_incident(acme, snoozed_until=clock.now() + timedelta(hours=1))
        owe(add_incident(acme), by_mail(ADA))
        held()
        clock.move(days=1)
        assert waking.wake(acme.organization_id)["snoozes ended"] == 0
        watchdog.watch(acme.organization_id)
        stuck = select(Incident.id).where(Incident.watch.in_(["messages", "escalations"]))
        assert db.session.scalars(stuck).all() == []
        releasing.release(discard_old=False)
        assert waking.wake(acme.organization_id)["snoozes ended"] == 1
        assert db.session.get_one(Incident, incident.id).snoozed_until is None


def test_an_admin_holds_and_releases_delivery_on_the_page(as_alice, as_ada, acme, inside, smtp):
    part = as_ada.post(f"{PAGE}/hold", headers=HTMX).text
    assert "Delivery is held" in part
    assert "Delivery is held, by hand" in as_alice.get("/acme/shop/issues/").text
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        deliver(acme)
    assert smtp.messages == []
    part = as_ada.post(f"{PAGE}/release", data={"old": "send"}, headers=HTMX).text
    assert "Delivery is held" not in part
    assert "Delivery is held" not in as_alice.get("/acme/shop/issues/").text
    with inside(acme):
        assert deliver(acme) == 1
        actions = db.session.scalars(select(AuditEntry.action)).all()
        assert {"delivery.held", "delivery.released"} <= set(actions)


def test_members_and_strangers_hold_nothing(as_alice, as_vic, as_eve):
    for client, code in ((as_alice, 403), (as_vic, 403), (as_eve, 404)):
        assert client.post(f"{PAGE}/hold").status_code == code
        assert client.post(f"{PAGE}/release", data={"old": "send"}).status_code == code


def test_what_becomes_of_old_messages_must_be_said(as_ada, acme, inside):
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        clock.move(timedelta(seconds=1))
        held()
    page = as_ada.get(PAGE).text
    assert "Discard the old messages and deliver" in page
    assert as_ada.post(f"{PAGE}/release", data={"old": "perhaps"}).status_code == 422
    assert "Discard the old messages and deliver" in as_ada.get(PAGE).text


@pytest.mark.usefixtures("both_databases")
def test_commands_hold_and_release(acme, inside, instance, database, smtp):
    commands = Server(instance, database, PHAROS_URL="http://pharos.test", SMTP_URL=smtp.url)
    assert commands.run("outbox", "hold").endswith(": held\n")
    assert commands.run("outbox", "hold", "--organization", "acme").endswith("was held already\n")
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
    assert commands.run("outbox", "drain", code=1) == "1 waiting\n"
    commands.run("outbox", "release", code=2)
    assert "delivered again" in commands.run("outbox", "release", "--old", "send")
    assert "was not held" in commands.run("outbox", "release", "--old", "send")
    assert commands.run("outbox", "drain") == "1 sent\n"


def test_a_console_that_starts_from_a_backup_sends_nothing_before_somebody_says_so(
    acme, inside, instance, database, smtp, tmp_path
):
    """Backup under load, restore into a fresh folder, start: a page that asks, and no message."""
    given = {"SMTP_URL": smtp.url, "PHAROS_PRIVATE_ADDRESSES": "1"}
    with hook.serving() as received:
        with inside(acme):
            project = db.session.get_one(Project, acme.id)
            notify(project, [add_hook("Ops", received.url)])
        server = Server(instance, database, **given).start()
        try:
            received.answers(Answer(503, "not now"), always=True)
            with inside(acme):
                for number in range(3):
                    break_it(db.session.get_one(Project, acme.id), f"Old {number}")
            server.run("backup", str(tmp_path / "backup"))
            received.behaves()
            until(lambda: len(received.messages) >= 3, "the former console's", seconds=90)
        finally:
            server.stop()
        sent = len(received.messages)
        fresh = tmp_path / "fresh"
        restored = Server(fresh, database, **given)
        restored.environ.pop("DATABASE_URL", None)
        assert "Delivery is held" in restored.run("restore", str(tmp_path / "backup"))
        assert (fresh / RESTORED).exists()
        restored.start()
        try:
            assert not (fresh / RESTORED).exists()
            assert restored.run("outbox", "drain", code=1) == "3 waiting\n"
            assert len(received.messages) == sent
            restored.stop()
            restored.start()
            released = restored.run("outbox", "release", "--old", "discard")
            assert "3 old messages discarded" in released
            assert restored.run("outbox", "drain") == "nothing is due\n"
            listed = restored.run("outbox", "list", "--organization", "acme", "--json")
            assert json.loads(listed) == []
        finally:
            restored.stop()
        assert len(received.messages) == sent
    shutil.rmtree(fresh)
