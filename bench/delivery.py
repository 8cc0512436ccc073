"""How soon messages reach their receivers, what a storm comes to, and what kill -9 loses.

A served console on SQLite with twenty webhooks, a mail server and PagerDuty, all on this machine.
Incidents are acknowledged by a script, which owes a message in the console's own transaction: timed
is what passes from that commit until the receiver has the message, idle and while 200 events a
second come in. Then a thousand incidents open at once.

With --kill, processes that open incidents and deliver are killed at random instead, on SQLite and
on PostgreSQL: what was owed is compared with what came.

    python -m bench delivery [--samples 100] [--storm 1000] [--pagerduty] [--kill 50]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from flask import Flask
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.broken import cluster
from bench.ingest import Console, python, tell
from console.accounts.models import Project, Role
from console.accounts.projects import create_token
from console.alerting.delivery import channels
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.delivery.threads import key_of
from console.alerting.models import Incident
from console.app import create_app
from console.channels.registry import KINDS
from console.core import clock, migrations
from console.core.config import Config
from console.core.db import db, reading, writing
from tests.alerting import breakers
from tests.fakes import hook, pagerduty, smtp
from tests.fakes.web import Answer, Request, running
from tests.support import factories

CHANNELS = 20
EVERY = 0.5
TOGETHER = 50
"""So many incidents of a storm are committed together: each rule's evaluation commits by itself."""
KILLED_CHANNELS, ANSWER_SECONDS = 4, 0.1
"""A receiver takes so long, that a kill meets messages under way."""
SECRET = "a secret of sixteen and more characters"  # noqa: S105 - of a console that is thrown away
PATIENCE = 1_200.0


class TimedHook(hook.Hook):
    """Notes when each message came."""

    def __init__(self) -> None:
        """Start with nothing received."""
        super().__init__()
        self.came: dict[str, datetime] = {}

    def reply(self, request: Request) -> Answer:
        key = request.headers.get("Idempotency-Key", "")
        self.came.setdefault(key, datetime.now(UTC))
        return super().reply(request)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as name:
        folder = Path(name)
        if options.kill:
            kills("SQLite", Config(instance=folder / "sqlite", secret_key=SECRET), options.kill)
            with cluster() as (_, environ):
                settings = Config(
                    instance=folder / "postgresql",
                    secret_key=SECRET,
                    database_url=environ["DATABASE_URL"],
                    owner_database_url=environ["OWNER_DATABASE_URL"],
                )
                kills("PostgreSQL", settings, options.kill)
            return
        serve(folder, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100, help="messages that are timed")
    parser.add_argument("--storm", type=int, default=1_000, help="incidents that open at once")
    parser.add_argument("--pagerduty", action="store_true", help="it takes two a second")
    parser.add_argument("--kill", type=int, default=0, help="processes that are killed")
    return parser.parse_args()


def serve(folder: Path, options: argparse.Namespace) -> None:
    """Measure a served console."""
    envelope = folder / "exception.envelope"
    python("bench/envelope.py", str(envelope), "--small")
    with ExitStack() as stack:
        received = stack.enter_context(running(TimedHook()))
        mailbox = stack.enter_context(smtp.serving())
        duty = stack.enter_context(pagerduty.serving())
        console = Console(folder / "instance")
        console.environ |= {
            "SECRET_KEY": SECRET,
            "PHAROS_PRIVATE_ADDRESSES": "1",
            "SMTP_URL": mailbox.url,
            "PHAROS_PAGERDUTY_URL": duty.url,
        }
        stack.enter_context(console)
        app = create_app(Config(instance=folder / "instance", secret_key=SECRET).prepared())
        home = factories.make_organization(app, "acme")
        factories.make_member(app, home, "ada@acme.test", Role.OWNER)
        latency(app, received, console, "idle", options.samples)
        with events(console, envelope, options.samples * EVERY):
            latency(app, received, console, "200 events a second", options.samples)
        storm(app, received, mailbox, duty, options)


def latency(app: Flask, received: TimedHook, console: Console, load: str, samples: int) -> None:
    """Time messages one by one, each to a receiver that has had few others."""
    with in_the_project(app) as project:
        token = create_token(project, load, ["incidents:write"])[1]
        ids = [breakers.add_hook(f"{load} {n}", f"{received.url}/{n}") for n in range(CHANNELS)]
        db.session.commit()
        incident_ids = []
        for number in range(samples):
            notify(project, [ids[number % CHANNELS]], f"{load} {number}")
            incident_ids.append(breakers.break_it(project, f"{load} {number}").id)
        db.session.remove()
    settle(app)
    waits = []
    time.sleep(60.0)  # what came before belongs to another minute: nothing is a storm
    for incident_id in incident_ids:
        began = time.monotonic()
        acknowledge(console, token, incident_id)
        waits.append(incident_id)
        time.sleep(max(0.0, EVERY - (time.monotonic() - began)))
    settle(app)
    times = handed_over(app, received, incident_ids)
    assert len(times) == samples, f"{len(times)} of {samples} messages came"
    tell(
        f"commit to message received, {load}",
        samples=len(times),
        p50_ms=round(1000 * median(times)),
        p99_ms=round(1000 * quantiles(times, n=100)[98]),
        longest_ms=round(1000 * max(times)),
        load_average=round(os.getloadavg()[0], 1),
    )


def storm(
    app: Flask,
    received: TimedHook,
    mailbox: smtp.Mailbox,
    duty: pagerduty.PagerDuty,
    options: argparse.Namespace,
) -> None:
    """Open many incidents at once, and count what becomes of them."""
    with in_the_project(app) as project:
        ids = [breakers.add_hook("Storm", f"{received.url}/storm")]
        if options.pagerduty:
            given = {"routing_key": pagerduty.ROUTING_KEY}
            ids.append(channels.create(KINDS["pagerduty"], "Duty", given).id)
        notify(project, ids, "Storm", owners=True)
        before, mails = len(received.messages), len(mailbox.messages)
        first = db.session.scalar(select(func.max(Incident.id))) or 0
        began = clock.now()
        for number in range(options.storm):
            with writing():
                breakers.open_incident(project, f"Rule {number}")
                if number % TOGETHER == TOGETHER - 1 or number == options.storm - 1:
                    db.session.commit()
        committed = clock.now()
        db.session.remove()
    settle(app)
    with in_the_project(app), reading():
        rows = db.session.scalars(
            select(OutboxMessage).where(OutboxMessage.created_at >= began)
        ).all()
        incidents = db.session.scalars(select(Incident).where(Incident.id > first)).all()
        notified = [incident.notified_at for incident in incidents]
        sent = [row.sent_at for row in rows if row.sent_at]
        tell(
            f"{options.storm} incidents at once",
            written_s=seconds(committed - began),
            owed=len(rows),
            states=Counter(row.state.value for row in rows),
            webhook=len(received.messages) - before,
            mails=len(mailbox.messages) - mails,
            pagerduty=len(duty.events),
            nobody_knows_of=notified.count(None),
            last_incident_notified_s=seconds(max(at for at in notified if at) - committed),
            everybody_notified_s=seconds(max(sent) - committed),
        )


def kills(database: str, settings: Config, count: int) -> None:
    """Kill processes that open incidents and deliver, and compare what was owed with what came."""
    settings = replace(settings, private_addresses=True, base_url="http://pharos.test").prepared()
    migrations.upgrade(settings)
    app = create_app(settings)
    home = factories.make_cast(app, "acme", {"ada@acme.test": Role.OWNER})
    with hook.serving() as received:
        received.delay = ANSWER_SECONDS
        began = time.monotonic()
        for kill in range(count):
            with factories.inside(app, home):
                breakers.notify_fresh_hooks(home.id, received.url, f"Kill {kill}", KILLED_CHANNELS)
            breakers.kill_while_it_delivers(settings, home.organization_id, f"Kill {kill}")
        with factories.inside(app, home):
            breakers.settle(home.organization_id, lambda: clock.jump(timedelta(minutes=2)))
            result = breakers.account(received.by_key)
    took = round(time.monotonic() - began)
    tell(f"{count} kills, {database}", **asdict(result), seconds=took)
    assert result.lost == 0, "messages were lost"


def acknowledge(console: Console, token: str, incident_id: int) -> None:
    """Acknowledge an incident as a script does."""
    url = f"{console.url}/api/v1/acme/shop/incidents/{incident_id}/acknowledgement"
    headers = {"Authorization": f"Bearer {token}"}
    with urlopen(HttpRequest(url, b"", headers, method="POST"), timeout=30) as answer:
        json.load(answer)


def handed_over(app: Flask, received: TimedHook, incident_ids: Sequence[int]) -> list[float]:
    """Seconds from the commit of each acknowledgement to its arrival."""
    with in_the_project(app) as project, reading():
        own = select(OutboxMessage).where(
            OutboxMessage.incident_id.in_(incident_ids), OutboxMessage.verb == "acknowledge"
        )
        rows = db.session.scalars(own).all()
        written = {key_of(row, project.organization): row.created_at for row in rows}
    came = received.came
    return [(came[key] - at).total_seconds() for key, at in written.items() if key in came]


def settle(app: Flask) -> None:
    """Wait until the console has delivered everything."""
    deadline = time.monotonic() + PATIENCE
    waiting = select(func.count(OutboxMessage.id)).where(
        OutboxMessage.state == MessageState.WAITING
    )
    while time.monotonic() < deadline:
        with in_the_project(app), reading():
            left = db.session.scalar(waiting)
            db.session.remove()
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError("messages wait for ever")


def notify(
    project: Project, channel_ids: Sequence[int], name: str, *, owners: bool = False
) -> None:
    """Let incidents that open from now on go to these channels alone."""
    breakers.notify(project, channel_ids, name=name, owners=owners)


@contextmanager
def in_the_project(app: Flask) -> Iterator[Project]:
    """Give the console's project in a Session of its organization."""
    with factories.inside(app, 1):
        project = db.session.scalars(select(Project)).first()
        assert project is not None
        db.session.rollback()
        yield project


@contextmanager
def events(console: Console, envelope: Path, seconds: float) -> Iterator[None]:
    """Send 200 events a second meanwhile."""
    options = ("--conns", "8", "--seconds", str(seconds + 90), "--rate", "200")
    thread = threading.Thread(target=console.load, args=(envelope, *options))
    thread.start()
    yield
    thread.join()


def seconds(span: timedelta) -> float:
    """A time in seconds, as it is printed."""
    return round(span.total_seconds(), 2)


if __name__ == "__main__":
    main()
