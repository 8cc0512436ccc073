"""`pharos dashboard`: a dashboard as a file, for one project or several."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import click
from flask import Flask
from sqlalchemy import select

from console.accounts.models import Project
from console.cli.commands import AS_JSON, open_console, pharos, project_named
from console.core.config import Config
from console.core.db import db, reading, writing
from console.core.tenancy import organization_scope
from console.dashboards import files, queries
from console.dashboards.document import LONGEST_DOCUMENT, Document
from console.telemetry.tile import provide_tiles
from console.web.incoming import JsonReader

ORGANIZATION = click.option("--organization", required=True, help="Name or slug.")
SCRIPT = "command line"


@pharos.group()
def dashboard() -> None:
    """Print dashboards as files, and apply files to projects."""


@dashboard.command("apply")
@click.argument("file", type=click.File("rb"))
@ORGANIZATION
@click.option("--project", "slugs", required=True, multiple=True, help="Slug; several times.")
@AS_JSON
def apply_file(file: BinaryIO, organization: str, slugs: tuple[str, ...], *, as_json: bool) -> None:
    """Make dashboards as a file says, in each project.

    A dashboard of the file's title is changed, or one is added. Prints what changed. Exits with 1,
    and changes nothing, if the file has a fault.
    """
    with open_console(_tiles):
        document = _read(file)
        projects = [project_named(organization, slug) for slug in dict.fromkeys(slugs)]
        home, ids = projects[0].organization_id, [project.id for project in projects]
        db.session.rollback()
        with organization_scope(home), writing():
            answers = {}
            for project_id in sorted(ids):  # rows are locked in the order of ids
                own = db.session.get_one(Project, project_id)
                answers[own.slug] = _applied(own, document)
            db.session.commit()
    if as_json:
        click.echo(json.dumps(answers))
        return
    for slug, answer in answers.items():
        _print(slug, answer)


@dashboard.command("show")
@click.argument("title")
@ORGANIZATION
@click.option("--project", "slug", required=True, help="Slug of the project.")
def show(title: str, organization: str, slug: str) -> None:
    """Print the file of a dashboard."""
    with open_console():
        project = project_named(organization, slug)
        with organization_scope(project.organization_id), reading():
            own = db.session.scalar(select(Project).where(Project.slug == slug))
            named = [row for row in queries.dashboards(own) if row.title == title]
            if len(named) != 1:
                count = f"{len(named)} dashboards" if named else "no dashboard"
                raise click.ClickException(f"{slug} has {count} with the title {title}")
            text = files.written(Document.of(named[0].document))
    click.echo(text, nl=False)


def _tiles(app: Flask, _settings: Config) -> None:
    """Let documents have every kind of tile."""
    from console.app import TILES  # noqa: PLC0415 - it loads every page of the console

    provide_tiles(app, TILES)


def _read(file: BinaryIO) -> Document:
    body = file.read(LONGEST_DOCUMENT * 4 + 1)
    if len(body) > LONGEST_DOCUMENT * 4:
        raise click.ClickException(files.TOO_LONG)
    try:
        given = JsonReader.loads(body)
    except ValueError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from None
    wrong = files.document_faults(given)
    if wrong:
        lines = "\n".join(f"  {place or 'the file'}: {sentence}" for place, sentence in wrong)
        raise click.ClickException(f"{file.name} is not applied:\n{lines}")
    return Document.of(given)


def _applied(project: Project, document: Document) -> dict[str, Any]:
    try:
        return files.described(files.apply(project, document, script=SCRIPT))
    except files.CannotApplyError as error:
        raise click.ClickException(f"{project.slug}: {error}") from None


def _print(slug: str, answer: dict[str, Any]) -> None:
    if answer["created"]:
        click.echo(f"{slug}: added")
        return
    click.echo(f"{slug}: version {answer['version']}" if answer["differences"] else f"{slug}: same")
    for difference in answer["differences"]:
        click.echo(f"  {difference['place']}: {difference['words']}")
