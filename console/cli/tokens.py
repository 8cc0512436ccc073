"""`pharos token`: API tokens."""

import json
from datetime import datetime
from typing import Any

import click

from console.accounts import projects, queries
from console.accounts.access import PERMISSIONS
from console.accounts.forms import TokenForm
from console.accounts.models import ApiToken
from console.cli.commands import (
    AS_JSON,
    READABLE,
    open_console,
    pharos,
    project_named,
)
from console.cli.forms import checked
from console.core import audit, clock
from console.core.db import db

ORGANIZATION = click.option("--organization", required=True, help="Name or slug.")
PROJECT = click.option("--project", "project_slug", required=True, help="Slug of the project.")


@pharos.group()
def token() -> None:
    """Make, list and revoke API tokens."""


@token.command("create")
@ORGANIZATION
@PROJECT
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice(list(PERMISSIONS)),
    help="What it may do; may be given several times. Left out: all that reads.",
)
@click.option("--label", default="command line", show_default=True)
def create_token(
    organization: str, project_slug: str, permissions: tuple[str, ...], label: str
) -> None:
    """Print a new API token; it is not shown again."""
    allowed = sorted(permissions or READABLE)
    with open_console():
        project = project_named(organization, project_slug)
        label = str(checked(TokenForm, label=label, permissions=allowed).label.data)
        _, secret = projects.create_token(project, label, allowed)
        audit.record("token.created", label, actor="command line", permissions=allowed)
        db.session.commit()
    click.echo(secret)


@token.command("list")
@ORGANIZATION
@PROJECT
@AS_JSON
def list_tokens(organization: str, project_slug: str, *, as_json: bool) -> None:
    """List the tokens of a project.

    Those that are not revoked, with their numbers and last letters.
    """
    with open_console():
        rows = [_row(token) for token in queries.tokens(project_named(organization, project_slug))]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        permissions = ", ".join(row["permissions"])
        used = row["last_used_at"] or "never used"
        click.echo(f"{row['id']:4}  …{row['suffix']}  {row['label']}  {permissions}  {used}")


@token.command("revoke")
@click.argument("token_id", type=click.IntRange(1, 2**31 - 1))
@ORGANIZATION
@PROJECT
def revoke_token(token_id: int, organization: str, project_slug: str) -> None:
    """Revoke a token.

    `pharos token list` shows the number of each.
    """
    with open_console():
        project = project_named(organization, project_slug)
        chosen = next((token for token in queries.tokens(project) if token.id == token_id), None)
        if chosen is None:
            raise click.ClickException(f"{project_slug} has no token {token_id}")
        chosen.revoked_at = clock.now()
        audit.record("token.revoked", chosen.label, actor="command line", project=project.name)
        db.session.commit()
    click.echo(f"Token {token_id} is revoked.")


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "suffix": token.suffix,
        "permissions": token.permissions,
        "created_at": _time(token.created_at),
        "expires_at": _time(token.expires_at),
        "last_used_at": _time(token.last_used_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
