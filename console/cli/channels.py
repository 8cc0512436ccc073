"""`pharos channel`: where messages about incidents go."""

from __future__ import annotations

import json

import click

from console.alerting.delivery import channels, trying
from console.alerting.delivery.models import Channel
from console.channels.registry import KINDS
from console.channels.way import way
from console.cli.commands import AS_JSON, open_console, organization_named, pharos
from console.core.db import db, reading, writing
from console.core.tenancy import organization_scope


@pharos.group()
def channel() -> None:
    """See and try out the channels of an organization."""


@channel.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@AS_JSON
def list_channels(organization: str, *, as_json: bool) -> None:
    """List channels, and whether they work."""
    with open_console():
        home = organization_named(organization).id
        with organization_scope(home), reading():
            rows = [_row(row) for row in channels.channels()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values() if value != ""))


@channel.command("test")
@click.argument("organization")
@click.argument("name")
@AS_JSON
def try_channel(organization: str, name: str, *, as_json: bool) -> None:
    """Send a test message, and print what was answered.

    Exits with 1 if it was not taken.
    """
    with open_console():
        home = organization_named(organization).id
        with organization_scope(home):
            with reading():
                named = {row.name: row for row in channels.channels()}
                if name not in named:
                    raise click.ClickException(f"{organization} has no channel {name}")
                id_, kind = named[name].id, KINDS[named[name].kind]
                trial = trying.try_out(named[name], kind, way())
                db.session.rollback()
            with writing():
                trying.note(channels.channel_or_404(id_), trial)
                db.session.commit()
    if as_json:
        click.echo(json.dumps(trial.document))
    else:
        click.echo("\n".join(filter(None, (trial.sentence, trial.answer))))
    if not trial.is_delivered:
        click.get_current_context().exit(1)


def _row(row: Channel) -> dict[str, object]:
    state = "off" if not row.enabled else "failing" if row.failing_since else ""
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "state": state or ("works" if row.last_sent_at else "not tried"),
        "error": row.last_error,
    }
