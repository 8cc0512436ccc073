"""`pharos outbox`: the messages that people are owed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting.delivery import holds, log, sending
from console.alerting.delivery.models import OutboxMessage
from console.alerting.escalation import releasing
from console.alerting.release_forms import DISCARD, SEND
from console.app import create_app
from console.cli.commands import AS_JSON, organization_named, pharos, settings_of_environment
from console.core import clock
from console.core.db import db, reading, writing
from console.core.tenancy import organization_scope
from console.ingest import refusals, spool
from console.status import public_url
from console.telemetry import store

MOST = 200
ACTOR = "pharos outbox"
HELD = "Delivery is held: pharos outbox release lets messages go."


@pharos.group()
def outbox() -> None:
    """See and deliver the messages about incidents."""


@outbox.command()
@click.option("--organization", help="Name or slug; without it, all of them.")
@click.option("--seconds", type=click.IntRange(1, 3_600), default=60, show_default=True)
@AS_JSON
def drain(organization: str | None, seconds: int, *, as_json: bool) -> None:
    """Deliver the messages that are due, and wait for the answers.

    Works beside a console that runs: no message is sent by both. It ends when nothing is due, or
    after so many seconds for each organization, and exits with 1 if a message was not delivered.
    """
    with _whole_console():
        states: Counter[str] = Counter()
        for home in _organizations(organization):
            with organization_scope(home):
                states += _drained(home, seconds)
    if as_json:
        click.echo(json.dumps(states))
    else:
        click.echo(
            ", ".join(f"{count} {state}" for state, count in states.items()) or "nothing is due"
        )
    if states["waiting"] or states["failed"]:
        click.get_current_context().exit(1)


@outbox.command("hold")
@click.option("--organization", help="Name or slug; without it, all of them.")
def hold_delivery(organization: str | None) -> None:
    """Send nothing more until `pharos outbox release`.

    Messages are still written, and what is on its way arrives. Every page says that delivery is
    held. A restored console begins like this.
    """
    with _whole_console():
        for home in _organizations(organization):
            with organization_scope(home), writing():
                is_new = releasing.hold(actor=ACTOR)
            click.echo(f"organization {home}: {'held' if is_new else 'was held already'}")


@outbox.command("release")
@click.option("--organization", help="Name or slug; without it, all of them.")
@click.option(
    "--old",
    type=click.Choice([SEND, DISCARD]),
    required=True,
    help="What becomes of messages that were owed before delivery was held.",
)
def release_delivery(organization: str | None, old: str) -> None:
    """Deliver again what was held.

    A console that runs begins within seconds. Steps of escalations that came due meanwhile are
    done one by one from a minute on.
    """
    with _whole_console():
        for home in _organizations(organization):
            with organization_scope(home), writing():
                discarded = releasing.release(discard_old=old == DISCARD, actor=ACTOR)
            click.echo(f"organization {home}: {_outcome(discarded)}")


@outbox.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@AS_JSON
def list_messages(organization: str, *, as_json: bool) -> None:
    """List the messages that have not been delivered.

    Those that wait for their time come first.
    """
    with _whole_console():
        (home,) = _organizations(organization)
        with organization_scope(home), reading():
            rows = [_row(message) for message in log.owed(MOST)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values() if value != ""))


def _outcome(discarded: int | None) -> str:
    if discarded is None:
        return "was not held"
    return f"delivered again; {discarded} old messages discarded"


def _drained(organization_id: int, seconds: int) -> Counter[str]:
    """What became of the messages that were due, by their states."""
    with reading():
        due = log.due_ids(clock.now())
        if due and holds.present() is not None:
            click.echo(HELD, err=True)
        db.session.rollback()
    sending.drain(organization_id, seconds)
    with reading():
        states = log.states(due)
        db.session.rollback()
    return states


def _row(message: OutboxMessage) -> dict[str, object]:
    return {
        "id": message.id,
        "state": message.state.value,
        "next_at": message.next_at.isoformat(timespec="seconds"),
        "attempts": message.attempts,
        "recipient": message.recipient,
        "key": message.key,
        "error": message.error,
    }


def _organizations(named: str | None) -> list[int]:
    """The ids of one organization, or of all."""
    if named is not None:
        return [organization_named(named).id]
    with reading():
        ids = list(db.session.scalars(select(Organization.id).order_by(Organization.id)))
        db.session.rollback()
    return ids


@contextmanager
def _whole_console() -> Iterator[None]:
    """Open the console with its pages, which links in messages lead to; nothing runs in it."""
    settings = settings_of_environment()
    app = create_app(replace(settings, base_url=public_url(settings)))
    with app.app_context():
        try:
            holds.take_up_restore()
            yield
        finally:
            sending.current().stop()
            db.session.remove()
            db.engine.dispose()
            for opened in (refusals.EXTENSION, spool.EXTENSION, store.EXTENSION):
                app.extensions[opened].close()
