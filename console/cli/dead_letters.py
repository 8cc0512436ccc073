"""`pharos dead-letters`: what the digest failed on."""

import json
from dataclasses import asdict

import click

from console.cli.commands import AS_JSON, open_console, pharos, project_named
from console.ingest import spool


@pharos.group("dead-letters")
def dead_letters() -> None:
    """See and retry what the digest failed on."""


@dead_letters.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@click.option("--project", "project_slug", required=True, help="Slug of the project.")
@AS_JSON
def list_dead_letters(organization: str, project_slug: str, *, as_json: bool) -> None:
    """List a project's dead letters.

    The latest come first, with their reasons.
    """
    with open_console():
        project = project_named(organization, project_slug)
        letters = spool.current().dead(project.organization_id, project.id)
    if as_json:
        click.echo(json.dumps([asdict(letter) for letter in letters], default=str))
        return
    for letter in letters:
        click.echo(f"{letter.position}  {letter.died_at:%Y-%m-%d %H:%M:%S}  {letter.reason}")


@dead_letters.command("retry")
@click.argument("position", type=int, required=False)
@click.option("--organization", required=True, help="Name or slug.")
@click.option("--project", "project_slug", required=True, help="Slug of the project.")
def retry_dead_letters(position: int | None, organization: str, project_slug: str) -> None:
    """Queue dead letters again.

    The one at POSITION, or all of the project's when none is given.
    """
    with open_console():
        project = project_named(organization, project_slug)
        count = spool.current().retry(project.organization_id, project.id, position)
    if position is not None and not count:
        raise click.ClickException(f"there is no dead letter {position} in {project_slug}")
    click.echo(f"{count} queued again.")
