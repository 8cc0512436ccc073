"""`pharos organization`: what only the owner of the database may do."""

import click

from console.accounts.models import Organization
from console.cli.commands import open_console, organization_named, pharos
from console.core import instances, owner
from console.core.config import config
from console.core.db import db, overwrite_deleted
from console.ingest import erasure
from console.telemetry import store


@pharos.group()
def organization() -> None:
    """Delete organizations."""


@organization.command("delete")
@click.argument("named", metavar="SLUG")
@click.option("--yes", is_flag=True, help="Do not ask for the name.")
def delete_organization(named: str, *, yes: bool) -> None:
    """Delete an organization for good.

    Its projects, events, keys and memberships go with it.

    It takes the role of OWNER_DATABASE_URL, and works whether or not the console runs.
    """
    with open_console(store.init_app):
        home = organization_named(named)
        if home.builtin:
            raise click.ClickException(f"{home.slug} is the console's own: it stays")
        organization_id, slug = home.id, home.slug
        if not yes:
            _ask_for_the_name(home)
        db.session.remove()  # which holds SQLite's one right to write
        settings = config()
        if not owner.delete_organization(settings, organization_id):
            raise click.ClickException(f"{slug} was deleted by somebody else")
        overwrite_deleted()
        rows = erasure.erase_organization(settings.instance / "spool.sqlite", organization_id)
        with instances.nobody_serves(settings.instance) as may_delete:
            if may_delete:
                store.current().delete_organization(organization_id)
    click.echo(f"{slug} is deleted, with {rows} requests that waited or had failed.")
    if not may_delete:
        click.echo("The running console deletes its telemetry within a minute or two.")


def _ask_for_the_name(home: Organization) -> None:
    click.echo(f"This deletes {home.name} with all that it holds. There is no way back.")
    if click.prompt("Type its name to go on").strip() not in {home.name, home.slug}:
        raise click.ClickException("that is not its name; nothing was deleted")
