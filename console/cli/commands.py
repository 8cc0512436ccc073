"""The group that every command belongs to, and what the commands share."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import click
from flask import Flask
from sqlalchemy import select

from console.accounts import unwritten
from console.accounts.models import Organization, Project
from console.core import config as configuration
from console.core import noting, tenancy
from console.core.config import Config
from console.core.db import db
from console.core.instances import JOURNAL
from console.core.tenancy import enter_organization
from console.ingest import spool
from console.status import public_url

Opens = Callable[[Flask, Config], object]
MODULES = {
    "backup": "backups",
    "channel": "channels",
    "dashboard": "dashboards",
    "dead-letters": "dead_letters",
    "migrate": "migrate",
    "organization": "organizations",
    "outbox": "outbox",
    "project": "projects",
    "restore": "backups",
    "serve": "serving",
    "status": "status",
    "telemetry": "telemetry",
    "token": "tokens",
    "user": "users",
}
"""The commands, and the modules of this package that have them."""
READABLE = {"issues:read", "metrics:read", "outcomes:read", "performance:read"}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Commands(click.Group):
    """Loads the module of the command that is given, and no other: it takes most of the start."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """Name every command."""
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command; its module adds it to this group."""
        if cmd_name in MODULES:
            import_module(f"console.cli.{MODULES[cmd_name]}")
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(None, "-V", "--version", package_name="pharos", message="pharos %(version)s")
def pharos() -> None:
    """One console for errors, performance, product usage and alerts.

    Settings come from the environment (see README); PHAROS_INSTANCE names the data folder.
    """


@contextmanager
def open_console(*also: Opens) -> Iterator[None]:
    """Open the console's state and spool, with links and DSNs of the server of this instance.

    `also` opens what few commands need, such as telemetry. There are no pages: to load those and
    what they stand on takes three times as long as all the rest of most commands.
    """
    settings = settings_of_environment()
    settings = replace(settings, base_url=public_url(settings))
    app = Flask("console", static_folder=None)
    app.config["SECRET_KEY"] = settings.secret_key
    app.extensions[configuration.EXTENSION] = settings
    tenancy.init_app(app, settings)
    noting.init_app(app)
    unwritten.init_app(app)
    for opens in (spool.init_app, *also):
        opens(app, settings)
    with app.app_context():
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
    if not (settings.instance / JOURNAL).exists():
        return
    # what can finish a restore takes longer to load than most commands run
    from console.backup import restoration  # noqa: PLC0415
    from console.backup.copies import BackupFailed  # noqa: PLC0415

    try:
        outcome = restoration.settle_alone(settings.instance)
    except BackupFailed as error:
        raise click.ClickException(f"a restore is under way or was cut off: {error}") from error
    if outcome:
        click.echo(outcome, err=True)


def find_organization(named: str) -> Organization | None:
    query = select(Organization).where((Organization.slug == named) | (Organization.name == named))
    return db.session.scalars(query.order_by(Organization.id)).first()


def organization_named(named: str) -> Organization:
    organization = find_organization(named)
    if organization is None:
        raise click.ClickException(f"there is no organization {named}")
    return organization


def project_named(organization: str, slug: str) -> Project:
    home = organization_named(organization)
    enter_organization(home.id)
    project = db.session.scalar(select(Project).where(Project.slug == slug))
    if project is None:
        raise click.ClickException(f"{home.slug} has no project {slug}")
    return project


def print_result(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:13} {value}")
