"""The group that every command belongs to, and what the commands share."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click
from sqlalchemy import select

from console import runtime
from console.accounts.models import Organization, Project
from console.app import create_app
from console.core.config import Config
from console.core.db import db
from console.core.tenancy import enter_organization
from console.ingest import spool

READABLE = {"issues:read", "outcomes:read", "performance:read"}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def pharos() -> None:
    """One console for errors, performance, product usage and alerts.

    Settings come from the environment (see README); PHAROS_INSTANCE names the data folder.
    """


@contextmanager
def open_console() -> Iterator[None]:
    """Open the console's stores, with links and DSNs of the server that runs on this instance."""
    settings = settings_of_environment()
    if not settings.base_url:
        settings = replace(settings, base_url=runtime.running_url(settings))
    with create_app(settings).app_context():
        yield
        db.session.remove()
        db.engine.dispose()
        spool.current().close()


def settings_of_environment() -> Config:
    return Config.from_environ(os.environ).prepared()


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
