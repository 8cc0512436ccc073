"""The `pharos` commands: serve, migrate, status, and what scripts need without a browser."""

import json
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, NoReturn

import click
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from console import runtime
from console.accounts import projects
from console.accounts.access import SCOPES
from console.accounts.models import Key, Membership, Organization, Project, Role, User
from console.accounts.passwords import hash_password, weakness
from console.accounts.slugs import slug_of
from console.app import create_app
from console.core import audit, migrations
from console.core.config import Config, ConfigError
from console.core.db import db
from console.core.tenancy import UnsafeRoleError, enter_organization
from console.ingest import spool

READABLE = {"issues:read", "outcomes:read", "performance:read"}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def main() -> None:
    """Run a command; on error say why in one sentence and exit with a code that is not zero."""
    try:
        code = pharos.main(prog_name="pharos", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except click.Abort:
        _fail("interrupted", 130)
    except (ConfigError, UnsafeRoleError) as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(_about_database(error))
    except sqlite3.Error as error:  # not of SQLAlchemy
        _fail(f"the spool cannot be used: {error}")
    except OSError as error:
        _fail(f"{error.filename or 'the instance folder'}: {error.strerror or error}")
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def pharos() -> None:
    """One console for errors, performance, product usage and alerts.

    Settings come from the environment (see README); PHAROS_INSTANCE names the data folder.
    """


@pharos.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--threads", type=click.IntRange(1), help="Threads that answer [PHAROS_WEB_THREADS].")
@click.option("--migrate/--no-migrate", default=True, help="Bring the database up to date first.")
def serve(host: str, port: int, threads: int | None, *, migrate: bool) -> None:
    """Answer requests, digest what clients send, and run the scheduled jobs."""
    settings = _settings()
    if migrate:
        migrations.upgrade(settings)
    runtime.serve(settings, host=host, port=port, threads=threads or settings.web_threads)


@pharos.command("migrate")
def migrate_command() -> None:
    """Bring the state database up to the newest revision."""
    migrations.upgrade(_settings())
    click.echo("The database is up to date.")


@pharos.command()
@AS_JSON
def status(*, as_json: bool) -> None:
    """Tell how the console is doing; works whether or not it is running."""
    with _console():
        found = runtime.status()
    if as_json:
        click.echo(json.dumps(found))
        return
    waiting = found["spool"]
    click.echo(f"console    {found['url'] if found['running'] else 'not running'}")
    click.echo(f"spool      {waiting['rows']} rows wait ({waiting['bytes']:,} bytes)")
    click.echo(f"lag        {waiting['lag_seconds']} s")
    click.echo(f"dead       {waiting['dead_letters']} dead letters")
    for organization, position in found["positions"].items():
        click.echo(f"position   {position}  {organization}")


@pharos.group()
def project() -> None:
    """Make and list projects."""


@project.command("create")
@click.argument("name")
@click.option("--organization", required=True, help="Name or slug; made if it does not exist.")
@click.option("--platform", default="", help="python, node, browser, …")
@AS_JSON
def create_project(name: str, organization: str, platform: str, *, as_json: bool) -> None:
    """Make a project, and print its DSN, its PostHog key and an API token."""
    with _console():
        home = _find_organization(organization) or projects.create_organization(organization)
        enter_organization(home.id)
        if db.session.scalar(select(Project).where(Project.slug == slug_of(name, set()))):
            raise click.ClickException(f"{home.slug} has a project {name} already")
        made = projects.create_project(name, platform=platform)
        _, secret = projects.create_token(made, "command line", READABLE)
        key = db.session.scalars(select(Key).where(Key.project_id == made.id)).one()
        result = {
            "organization": home.slug,
            "project": made.slug,
            "project_id": made.id,
            "dsn": projects.dsn_of(key),
            "posthog_key": f"phc_{key.public_key}",
            "api_token": secret,
            "url": f"{projects.console_url()}/{home.slug}/{made.slug}/",
        }
        db.session.commit()
    _print(result, as_json=as_json)


@project.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@AS_JSON
def list_projects(organization: str, *, as_json: bool) -> None:
    """List the projects of an organization with their DSNs."""
    with _console():
        enter_organization(_organization(organization).id)
        rows = db.session.execute(
            select(Project, Key)
            .join(Key, Key.project_id == Project.id)
            .where(Key.disabled_at.is_(None))
            .order_by(Project.slug, Key.id)
        )
        found = {one.slug: projects.dsn_of(key) for one, key in rows}
    _print(found, as_json=as_json)


@pharos.group()
def user() -> None:
    """Make people's accounts."""


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="Name to show; the e-mail's first part if left out.")
@click.option("--organization", help="Name or slug of an organization to be a member of.")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default="member")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_user(
    email: str, name: str, organization: str | None, role: str, *, password_stdin: bool
) -> None:
    """Make an account, or give one that exists a membership."""
    email = email.strip().lower()
    with _console():
        found = db.session.scalar(select(User).where(User.email == email))
        if found is None:
            found = _new_user(email, name or email.partition("@")[0], stdin=password_stdin)
        elif organization is None:
            raise click.ClickException(f"{email} has an account already")
        if organization is not None:
            enter_organization(_organization(organization).id)
            if db.session.scalar(select(Membership).where(Membership.user_id == found.id)):
                raise click.ClickException(f"{email} is a member of {organization} already")
            db.session.add(Membership(user_id=found.id, role=Role(role)))
            audit.record("member.joined", email, actor="command line", role=role)
        db.session.commit()
    click.echo(f"{email} can sign in.")


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
    with _console():
        found = _project(organization, project_slug)
        _, secret = projects.create_token(found, label, scopes or READABLE)
        audit.record("token.created", label, actor="command line", scopes=list(scopes or READABLE))
        db.session.commit()
    click.echo(secret)


@pharos.group("dead-letters")
def dead_letters() -> None:
    """See and retry what the digest failed on."""


@dead_letters.command("list")
@click.option("--organization", required=True, help="Name or slug.")
@click.option("--project", "project_slug", required=True, help="Slug of the project.")
@AS_JSON
def list_dead_letters(organization: str, project_slug: str, *, as_json: bool) -> None:
    """List a project's dead letters with their reasons, the latest first."""
    with _console():
        found = _project(organization, project_slug)
        letters = spool.current().dead(found.organization_id, found.id)
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
    """Queue one dead letter again, or all of the project's when no POSITION is given."""
    with _console():
        found = _project(organization, project_slug)
        count = spool.current().retry(found.organization_id, found.id, position)
    if position is not None and not count:
        raise click.ClickException(f"there is no dead letter {position} in {project_slug}")
    click.echo(f"{count} queued again.")


@contextmanager
def _console() -> Iterator[None]:
    """Open the console's stores, with links and DSNs of the server that runs on this instance."""
    settings = _settings()
    if not settings.base_url:
        settings = replace(settings, base_url=runtime.running_url(settings))
    with create_app(settings).app_context():
        yield
        db.session.remove()
        db.engine.dispose()
        spool.current().close()


def _settings() -> Config:
    return Config.from_environ(os.environ).prepared()


def _find_organization(named: str) -> Organization | None:
    query = select(Organization).where((Organization.slug == named) | (Organization.name == named))
    return db.session.scalars(query.order_by(Organization.id)).first()


def _organization(named: str) -> Organization:
    found = _find_organization(named)
    if found is None:
        raise click.ClickException(f"there is no organization {named}")
    return found


def _project(organization: str, slug: str) -> Project:
    home = _organization(organization)
    enter_organization(home.id)
    found = db.session.scalar(select(Project).where(Project.slug == slug))
    if found is None:
        raise click.ClickException(f"{home.slug} has no project {slug}")
    return found


def _new_user(email: str, name: str, *, stdin: bool) -> User:
    if "@" not in email:
        raise click.ClickException(f"{email} is not an e-mail address")
    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    objection = weakness(password, email, name)
    if objection:
        raise click.ClickException(objection)
    made = User(email=email, name=name, password_hash=hash_password(password))
    db.session.add(made)
    db.session.flush()
    return made


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:13} {value}")


def _about_database(error: DBAPIError) -> str:
    cause = " ".join(str(error.orig).split())
    if "no such table" in cause or re.search('relation ".*" does not exist', cause):
        return f"the database lacks its tables, run `pharos migrate`: {cause}"
    return f"the database does not answer: {cause}"


def _fail(sentence: str, code: int = 1) -> NoReturn:
    click.echo(f"pharos: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
