"""`pharos user`: people's accounts."""

import json
from typing import Any

import click
from sqlalchemy import Row, select

from console.accounts import (
    passkeys,
    people,
    person_log,
    queries,
    sessions,
    throttle,
    two_factor,
)
from console.accounts.forms import AccountForm
from console.accounts.models import Membership, Role, User
from console.cli.commands import AS_JSON, open_console, organization_named, pharos
from console.cli.forms import checked
from console.cli.passwords import PASSWORD_STDIN, new_password_hash
from console.core import audit
from console.core.db import db
from console.core.persons import enter_person
from console.core.tenancy import enter_organization

ACTOR = "command line"


@pharos.group()
def user() -> None:
    """Make people's accounts, list them, and let people in again."""


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="Name to show; the e-mail's first part if left out.")
@click.option("--organization", help="Name or slug of an organization to be a member of.")
@click.option(
    "--role", type=click.Choice([str(role) for role in Role]), default="member", show_default=True
)
@PASSWORD_STDIN
def create_user(
    email: str, name: str, organization: str | None, role: str, *, password_stdin: bool
) -> None:
    """Make an account, or a membership.

    An account that exists is given the membership and keeps its password.
    """
    with open_console():
        email = str(checked(AccountForm, email=email, name=name or "-").email.data)
        user = queries.user_by_email(email)
        if user is None:
            user = _new_user(email, (name or email.partition("@")[0])[:100], stdin=password_stdin)
        elif organization is None:
            raise click.ClickException(f"{email} has an account already")
        if organization is not None:
            enter_organization(organization_named(organization).id)
            if db.session.scalar(select(Membership).where(Membership.user_id == user.id)):
                raise click.ClickException(f"{email} is a member of {organization} already")
            db.session.add(Membership(user_id=user.id, role=Role(role)))
            audit.record("member.joined", email, actor=ACTOR, role=role)
        db.session.commit()
    click.echo(f"{email} can sign in.")


@user.command("list")
@AS_JSON
def list_users(*, as_json: bool) -> None:
    """List the accounts.

    Each with e-mail, name, roles, two-factor sign-in, passkeys and last sign-in.
    """
    with open_console():
        people = [_shown(person) for person in queries.everybody()]
    if as_json:
        click.echo(json.dumps(people))
        return
    for person in people:
        roles = [f"{role} of {slug}" for slug, role in person["memberships"].items()]
        last = person["last_login_at"] or "never"
        belongs = ", ".join(roles) or "no organization"
        second = f"two-factor {'on' if person['two_factor'] else 'off'}"
        facts = (belongs, second, f"passkeys {person['passkeys']}", f"last sign-in {last}")
        click.echo("  ".join((person["email"], person["name"], *facts)))


@user.command("password")
@click.argument("email")
@PASSWORD_STDIN
def set_password(email: str, *, password_stdin: bool) -> None:
    """Give a person another password.

    Signs them out everywhere and removes their passkeys.
    """
    with open_console():
        person = _person(email)
        hashed = new_password_hash(person.email, person.name, stdin=password_stdin)
        person.password_hash = hashed
        sessions.end_all(person)
        passkeys.remove_all(person, actor=ACTOR)
        throttle.unlock(person.email)
        person_log.record(person, "password.set", actor=ACTOR)
        db.session.commit()
        click.echo(f"{person.email} has a new password, and was signed out everywhere.")


@user.command("unlock")
@click.argument("email")
def unlock_user(email: str) -> None:
    """Forget failed sign-ins of an account.

    Its next sign-in need not wait then.
    """
    with open_console():
        person = _person(email)
        throttle.unlock(person.email)
        person_log.record(person, "sign_in.unlocked", actor=ACTOR)
        db.session.commit()
        click.echo(f"{person.email} need not wait to sign in.")


@user.group("two-factor")
def two_factor_group() -> None:
    """Help people who lost their second factor."""


@two_factor_group.command("off")
@click.argument("email")
def switch_off_two_factor(email: str) -> None:
    """Switch it off for a person.

    Their password alone lets them in then.
    """
    with open_console():
        person = _person(email)
        if person.two_factor_since is None:
            raise click.ClickException(f"{person.email} has no two-factor sign-in")
        two_factor.switch_off(person, actor=ACTOR)
        throttle.unlock(person.email)
        db.session.commit()
        click.echo(f"{person.email} signs in by password alone.")


def _person(email: str) -> User:
    person = queries.user_by_email(email.strip().lower())
    if person is None:
        raise click.ClickException(f"{email} has no account")
    enter_person(person.id)
    return person


def _shown(person: Row[Any, Any, Any, Any, Any]) -> dict[str, Any]:
    last = person.last_login_at
    return {
        "email": person.email,
        "name": person.name,
        "memberships": {
            belonging.organization.slug: str(belonging.role)
            for belonging in queries.belongings(person.id)
        },
        "two_factor": person.two_factor_since is not None,
        "passkeys": passkeys.count(person.id),
        "last_login_at": f"{last:%Y-%m-%dT%H:%M:%SZ}" if last else None,
    }


def _new_user(email: str, name: str, *, stdin: bool) -> User:
    hashed = new_password_hash(email, name, stdin=stdin)
    return people.add(email, name, hashed)
