"""The past of the shop's checks: what its servers would have answered, judged and stored as live.

It runs before the console does, as only one process may write telemetry, and its clock goes through
the past. The provider's bad afternoon is the one of `history.STORY`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from secrets import token_hex

from sqlalchemy import select, update

from console.accounts.models import Organization, Project
from console.app import create_app
from console.core import clock
from console.core.db import db
from console.core.http import Reply
from console.core.tenancy import organization_scope
from console.telemetry import store
from console.uptime import checks, maintenance, schedule
from console.uptime.models import Check
from console.uptime.probe import Answer, Request, judge
from console.uptime.prober import Tried, Try
from demo.history import CURVE

EVERY = timedelta(minutes=30)
SLOW_MS = 1_500
# How long each answer takes at a quiet hour; the addresses come with the shop that opens later.
PAGES = {"Shop: home": 24.0, "Shop: products": 41.0, "Payment provider": 12.0}
CONFIRMED = timedelta(seconds=2)
MOVE, MOVE_LASTS = 0.36, timedelta(hours=1)
"""From which part of the time on the shop moves to a release that needs another database."""
BAD_AFTERNOON = (0.70, 0.708)
SLOW_SINCE, SLOW_LASTS = 0.86, timedelta(hours=1)
"""The products are slow until the cache of a new release is warm."""


def main() -> None:
    """Give the demo's project checks with a past, unless it has checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organization", required=True)
    parser.add_argument("--days", type=int, required=True)
    arguments = parser.parse_args()
    app = create_app()
    with app.app_context():
        home = Organization.slug == arguments.organization
        organization_id = db.session.scalars(select(Organization.id).where(home)).one()
        with organization_scope(organization_id):
            if db.session.scalar(select(Check.id).limit(1)) is None:
                live_through(organization_id, timedelta(days=arguments.days))
        store.current().close()


def live_through(organization_id: int, time: timedelta) -> None:
    """Let the checks be tried from so long ago until now."""
    now = clock.now()
    since = now - time
    clock.freeze(since)
    _begin(since, time)
    random = Random(7)
    due = since
    while due < now - EVERY:
        clock.freeze(due)
        with db.session.no_autoflush:
            tries = list(_tries(organization_id, due, (due - since) / time, time, random))
        clock.freeze(due + CONFIRMED)
        schedule.record(organization_id, tries)
        due += EVERY
    # They have no address until the shop opens, which puts it.
    db.session.execute(update(Check).values(next_due=now + timedelta(days=1)))
    db.session.commit()


def _begin(since: datetime, time: timedelta) -> None:
    """Make the checks, and plan the move of the shop."""
    project = db.session.scalars(select(Project).order_by(Project.id)).first()
    assert project is not None
    for name in PAGES:
        request = Request(url="http://shop.example/", slow_ms=SLOW_MS)
        checks.create(project, name, request, interval_seconds=int(EVERY.total_seconds()))
    starts = since + MOVE * time
    maintenance.plan(project, None, starts, starts + MOVE_LASTS, "The shop moves to 2.0.1", None)
    db.session.commit()


def _tries(
    organization_id: int, due: datetime, part: float, time: timedelta, random: Random
) -> Iterator[Tried]:
    """The tries of all checks at a moment, claimed as a process claims them."""
    claim = token_hex(16)
    rows = db.session.scalars(select(Check).order_by(Check.id)).all()
    named = [(check.id, check.name, Request(**check.settings)) for check in rows]
    db.session.execute(update(Check).values(claim=claim, next_due=due))
    db.session.commit()
    for check_id, name, request in named:
        of = Try(
            organization_id=organization_id, check_id=check_id, claim=claim, due=due,
            request=request,
        )  # fmt: skip
        yield Tried(of, _answers(name, request, part, time, random))


def _answers(
    name: str, request: Request, part: float, time: timedelta, random: Random
) -> list[Answer]:
    """What was answered; a failure is tried a second time before it counts."""
    at = clock.now()
    busy = 1 + CURVE[at.hour] / 10
    milliseconds = PAGES[name] * busy * random.lognormvariate(0, 0.25)
    if name == "Shop: products" and SLOW_SINCE <= part < SLOW_SINCE + SLOW_LASTS / time:
        milliseconds += SLOW_MS
    answer = judge(request, _reply(_status(name, part, time), round(milliseconds, 1)))
    if answer.is_good:
        return [answer]
    return [replace(answer, counts=False), replace(answer, at=at + CONFIRMED)]


def _status(name: str, part: float, time: timedelta) -> int:
    since, until = BAD_AFTERNOON
    if name == "Payment provider":
        return 503 if since <= part < until else 200
    moves = MOVE <= part < MOVE + MOVE_LASTS / time
    return 503 if moves else 200


def _reply(status: int, milliseconds: float) -> Reply:
    return Reply(
        status=status,
        headers={},
        body=b"" if status == 200 else b"Service Unavailable",
        is_cut=False,
        url="http://shop.example/",
        address="127.0.0.1",
        milliseconds=milliseconds,
        timings={},
        certificate_until=None,
    )


if __name__ == "__main__":
    main()
