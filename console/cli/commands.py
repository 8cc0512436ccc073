"""The group that every command belongs to, and what the commands share."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any, TypeVar

import click
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from console import runtime
from console.accounts.models import Organization, Project
from console.app import create_app
from console.backup import restoration
from console.backup.copies import BackupFailed
from console.core.config import Config
from console.core.db import db
from console.core.tenancy import enter_organization
from console.ingest import spool

F = TypeVar("F", bound=FlaskForm)
READABLE = {"issues:read", "outcomes:read", "performance:read"}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("pharos"), "-V", "--version", message="pharos %(version)s")
def pharos() -> None:
    """One console for errors, performance, product usage and alerts.

    Settings come from the environment (see README); PHAROS_INSTANCE names the data folder.
    """


@contextmanager
def open_console() -> Iterator[None]:
    """Open the console's stores, with links and DSNs of the server that runs on this instance."""
    settings = settings_of_environment()
    settings = replace(settings, base_url=runtime.public_url(settings))
    with create_app(settings).app_context():
        try:
            yield
        finally:  # also of a command that refuses what it was given
            db.session.remove()
            db.engine.dispose()
            spool.current().close()


def settings_of_environment() -> Config:
    """The settings, with what the instance folder keeps; a restore is settled that was cut off."""
    settings = Config.from_environ(os.environ)
    settle(settings)
    return settings.prepared()


def settle(settings: Config) -> None:
    """Finish or undo a restore that was interrupted, and say which."""
    try:
        outcome = restoration.settle_alone(settings.instance)
    except BackupFailed as error:
        raise click.ClickException(f"a restore is under way or was cut off: {error}") from error
    if outcome:
        click.echo(outcome, err=True)


def checked(form: type[F], **fields: str | Sequence[str]) -> F:
    """The form of the pages with these fields, so that a command refuses what a page would."""
    given = MultiDict({name: value for name, value in fields.items() if value})
    filled: F = form(formdata=given, meta={"csrf": False})
    if not filled.validate():
        name, problems = next(iter(filled.errors.items()))
        raise click.ClickException(f"{name}: {problems[0]}")
    return filled


def find_organization(named: str) -> Organization | None:
    query = select(Organization).where((Organization.slug == named) | (Organization.name == named))
    return db.session.scalars(query.order_by(Organization.id)).first()


def organization_named(named: str) -> Organization:
    found = find_organization(named)
    if found is None:
        raise click.ClickException(f"there is no organization {named}")
    return found


def project_named(organization: str, slug: str) -> Project:
    home = organization_named(organization)
    enter_organization(home.id)
    found = db.session.scalar(select(Project).where(Project.slug == slug))
    if found is None:
        raise click.ClickException(f"{home.slug} has no project {slug}")
    return found


def print_result(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:13} {value}")
