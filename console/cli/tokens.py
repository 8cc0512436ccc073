"""`pharos token`: API tokens."""

import click

from console.accounts import projects
from console.accounts.access import SCOPES
from console.cli.commands import READABLE, open_console, pharos, project_named
from console.core import audit
from console.core.db import db


@pharos.group()
def token() -> None:
    """Make API tokens."""


@token.command("create")
@click.option("--organization", required=True, help="Name or slug.")
@click.option("--project", "project_slug", required=True, help="Slug of the project.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)))
@click.option("--label", default="command line", show_default=True)
def create_token(organization: str, project_slug: str, scopes: tuple[str, ...], label: str) -> None:
    """Print a new API token; it is not shown again."""
    with open_console():
        found = project_named(organization, project_slug)
        _, secret = projects.create_token(found, label, scopes or READABLE)
        audit.record("token.created", label, actor="command line", scopes=list(scopes or READABLE))
        db.session.commit()
    click.echo(secret)
