"""`pharos project`: what a script needs to set up a client."""

import click
from sqlalchemy import select

from console.accounts import projects
from console.accounts.models import Key, Project
from console.accounts.platforms import PLATFORMS
from console.accounts.slugs import slug_of
from console.cli.commands import (
    AS_JSON,
    READABLE,
    find_organization,
    open_console,
    organization_named,
    pharos,
    print_result,
)
from console.core.crypto import Token
from console.core.db import db
from console.core.tenancy import enter_organization


@pharos.group()
def project() -> None:
    """Make and list projects."""


@project.command("create")
@click.argument("name")
@click.option("--organization", required=True, help="Name or slug; made if it does not exist.")
@click.option("--platform", type=click.Choice(list(PLATFORMS)), help="Chooses the set-up lines.")
@AS_JSON
def create_project(name: str, organization: str, platform: str, *, as_json: bool) -> None:
    """Make a project and print its keys.

    That is its DSN, its PostHog key and an API token, which is not shown again.
    """
    # forms take a third of the time of a command, and a list has none
    from console.accounts.forms import NameForm  # noqa: PLC0415
    from console.cli.forms import checked  # noqa: PLC0415

    with open_console():
        name = str(checked(NameForm, name=name).name.data)
        home = find_organization(organization)
        if home is None:
            title = str(checked(NameForm, name=organization).name.data)
            home = projects.create_organization(title)
        enter_organization(home.id)
        if db.session.scalar(select(Project).where(Project.slug == slug_of(name, set()))):
            raise click.ClickException(f"{home.slug} has a project {name} already")
        made = projects.create_project(name, platform=platform or "")
        _, secret = projects.create_token(made, "command line", READABLE)
        key = db.session.scalars(select(Key).where(Key.project_id == made.id)).one()
        result = {
            "organization": home.slug,
            "project": made.slug,
            "project_id": made.id,
            "dsn": projects.dsn_of(key),
            "posthog_key": f"{Token.PROJECT_KEY}_{key.public_key}",
            "api_token": secret,
            "url": f"{projects.console_url()}/{home.slug}/{made.slug}/",
        }
        db.session.commit()
    print_result(result, as_json=as_json)


@project.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@AS_JSON
def list_projects(organization: str, *, as_json: bool) -> None:
    """List an organization's projects with their DSNs."""
    with open_console():
        enter_organization(organization_named(organization).id)
        rows = db.session.execute(
            select(Project, Key)
            .join(Key, Key.project_id == Project.id)
            .where(Key.disabled_at.is_(None))
            .order_by(Project.slug, Key.id)
        )
        dsns = {project.slug: projects.dsn_of(key) for project, key in rows}
    print_result(dsns, as_json=as_json)
