"""A served console delivers, whatever its receivers do: each on its own, and nothing is lost."""

import time
from contextlib import ExitStack
from functools import partial

import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.alerting.delivery import channels
from console.alerting.delivery.models import AttemptOutcome, DeliveryAttempt, MessageState
from console.channels.registry import KINDS
from console.core.db import db
from tests.alerting.breakers import add_hook, break_it, heal, notify
from tests.alerting.deliveries import messages
from tests.fakes import hook, pagerduty, slack
from tests.fakes.smtp import free_port
from tests.fakes.web import Answer
from tests.support.live import Server
from tests.support.waiting import until

LATE, AGAIN = 3.0, 60
PROMPT = 8.0
"""Seconds: the job's five, and a busy machine."""


@pytest.fixture
def receivers():
    """A receiver of each temper, by its name."""
    with ExitStack() as stack:
        named = {
            name: stack.enter_context(hook.serving())
            for name in ("good", "500", "429", "drops", "late", "hangs")
        }
        named["500"].answers(Answer(500, "broken"))
        named["429"].answers(Answer(429, "slow down", {"Retry-After": "2"}))
        named["drops"].answers(Answer(drops=True))
        named["late"].delay = LATE
        named["hangs"].hangs = True
        yield named


def _is_tried_again(service):
    return len(service.requests) >= 2


def counts(service):
    return sorted(service.by_key.values())


def test_each_receiver_waits_for_itself_alone(acme, inside, instance, database, receivers, capsys):
    closed = free_port()
    with inside(acme):
        project = db.session.get_one(Project, acme.id)
        urls = {name: service.url for name, service in receivers.items()}
        urls["refuses"] = f"http://127.0.0.1:{closed}/"
        ids = {name: add_hook(name, url) for name, url in urls.items()}
        notify(project, list(ids.values()))
    server = Server(instance, database, PHAROS_PRIVATE_ADDRESSES="1").start()
    try:
        with inside(acme):
            break_it(db.session.get_one(Project, acme.id), "API is slow")
        began = time.monotonic()
        until(lambda: receivers["good"].messages, "the good receiver", seconds=PROMPT)
        prompt = time.monotonic() - began
        until(lambda: receivers["late"].messages, "the late one", seconds=PROMPT)
        for name in ("500", "429", "drops"):
            until(partial(_is_tried_again, receivers[name]), name, seconds=AGAIN)
        assert counts(receivers["drops"]) == [2], "it came again with its own key"
        for name in ("good", "late", "500", "429"):
            assert counts(receivers[name]) == [1]
        until(lambda: _outcomes(acme, inside, ids["hangs"]), "a try that hung", seconds=AGAIN)
        receivers["hangs"].hangs = False
        with hook.serving(closed) as opened:
            for service in (opened, receivers["hangs"]):
                until(partial(counts, service), "what was away", seconds=2 * AGAIN)
                assert counts(service) == [1]
        until(lambda: _states(acme, inside) == {MessageState.SENT}, "all receipts", seconds=AGAIN)
    finally:
        server.stop()
    with capsys.disabled():
        print(f"\nthe good receiver got it after {prompt:.2f} s")


@pytest.mark.usefixtures("both_databases")
def test_people_are_reached_by_slack_pagerduty_and_mail(acme, inside, instance, database, smtp):
    with ExitStack() as stack:
        slack_, duty = (
            stack.enter_context(slack.serving()),
            stack.enter_context(pagerduty.serving()),
        )
        with inside(acme):
            project = db.session.get_one(Project, acme.id)
            kinds = (
                _add("slack", token=slack.TOKEN, channel="#ops"),
                _add("pagerduty", routing_key=pagerduty.ROUTING_KEY),
                _add("email", to="ops@acme.test"),
            )
            notify(project, kinds)
        server = Server(
            instance, database, PHAROS_PRIVATE_ADDRESSES="1",
            SMTP_URL=smtp.url, PHAROS_SLACK_URL=f"{slack_.url}/api", PHAROS_PAGERDUTY_URL=duty.url,
        ).start()  # fmt: skip
        try:
            with inside(acme):
                incident = break_it(db.session.get_one(Project, acme.id), "API is slow")
                until(lambda: _sent(acme, inside) == 3, "three messages", seconds=AGAIN)
                db.session.rollback()
                heal(incident)
            until(lambda: _sent(acme, inside) == 6, "three ends", seconds=AGAIN)
        finally:
            server.stop()
    assert [event["event_action"] for event in duty.events] == ["trigger", "resolve"]
    assert len({event["dedup_key"] for event in duty.events}) == 1
    first, second = smtp.messages
    assert first["Message-ID"] in second["References"]
    parent, *replies = slack_.messages
    assert {reply["thread_ts"] for reply in replies} == {parent["ts"]}
    link = f"{server.url}/acme/shop/alerts/incidents/"
    assert link in first.get_body(("plain",)).get_content()


def _add(kind, **given):
    return channels.create(KINDS[kind], kind, given).id


def _outcomes(acme, inside, channel_id):
    with inside(acme):
        ids = [row.id for row in messages() if row.channel_id == channel_id]
        tries = db.session.scalars(
            select(DeliveryAttempt).where(DeliveryAttempt.message_id.in_(ids))
        ).all()
        return bool(tries) and {attempt.outcome for attempt in tries} == {AttemptOutcome.FAILED}


def _states(acme, inside):
    with inside(acme):
        return {message.state for message in messages()}


def _sent(acme, inside):
    with inside(acme):
        return sum(message.state is MessageState.SENT for message in messages())
