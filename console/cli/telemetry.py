"""`pharos telemetry`: what to do about a damaged file."""

import click

from console.cli.commands import open_console, organization_named, pharos
from console.core import clock
from console.core.config import config
from console.telemetry import store


@pharos.group()
def telemetry() -> None:
    """Look after telemetry files."""


@telemetry.command("set-aside")
@click.argument("organization")
def set_aside(organization: str) -> None:
    """Set an organization's damaged telemetry file aside; the digest goes on with a new one.

    Works beside a running console. Nothing is deleted: the file gets another name.
    """
    with open_console():
        home = organization_named(organization)
        folder = config().instance / store.FOLDER
        try:
            aside = store.set_aside(folder, home.id, clock.now().strftime("%Y%m%dT%H%M%SZ"))
        except FileNotFoundError:
            raise click.ClickException(
                f"{home.slug} has no telemetry file {folder / f'{home.id}.duckdb'}"
            ) from None
    click.echo(f"The telemetry of {home.slug} is set aside as {aside}.")
    click.echo("What comes from now on, and what waits, goes into a new file.")
