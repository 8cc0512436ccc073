"""`pharos telemetry`: what to do about a damaged file."""

import click

from console.backup import soundness
from console.cli.commands import open_console, organization_named, pharos
from console.core import clock
from console.core.config import config
from console.telemetry import aside, store


@pharos.group()
def telemetry() -> None:
    """Look after telemetry files."""


@telemetry.command("set-aside")
@click.argument("organization")
def set_aside(organization: str) -> None:
    """Set a damaged telemetry file aside.

    The digest goes on with a new one for that organization.

    Works beside a running console. Nothing is deleted: the file gets another name. Of a file that
    is gone, it notes that a new one may take its place.
    """
    with open_console(store.init_app):
        home = organization_named(organization)
        slug, id_ = home.slug, home.id
        folder, stamp = config().instance / store.FOLDER, clock.now().strftime("%Y%m%dT%H%M%SZ")
        try:
            name = aside.set_aside(folder, id_, stamp)
            click.echo(f"The telemetry of {slug} is set aside as {name}.")
        except FileNotFoundError:
            if id_ not in soundness.with_telemetry():
                path = folder / f"{id_}.duckdb"
                raise click.ClickException(f"{slug} has no telemetry file {path}") from None
            name = aside.begin_anew(folder, id_, stamp)
            click.echo(f"The telemetry of {slug} is gone, which {name} notes.")
    click.echo("What comes from now on, and what waits, goes into a new file.")
