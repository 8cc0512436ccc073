"""`pharos user`: people's accounts."""

import sys

import click
from sqlalchemy import select

from console.accounts.models import Membership, Role, User
from console.accounts.passwords import hash_password, weakness
from console.cli.commands import open_console, organization_named, pharos
from console.core import audit
from console.core.db import db
from console.core.tenancy import enter_organization


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
    with open_console():
        found = db.session.scalar(select(User).where(User.email == email))
        if found is None:
            found = _new_user(email, name or email.partition("@")[0], stdin=password_stdin)
        elif organization is None:
            raise click.ClickException(f"{email} has an account already")
        if organization is not None:
            enter_organization(organization_named(organization).id)
            if db.session.scalar(select(Membership).where(Membership.user_id == found.id)):
                raise click.ClickException(f"{email} is a member of {organization} already")
            db.session.add(Membership(user_id=found.id, role=Role(role)))
            audit.record("member.joined", email, actor="command line", role=role)
        db.session.commit()
    click.echo(f"{email} can sign in.")


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
