"""The organization of the console's operators, which owns what the console reports about itself.

Its first owner is the person who set the console up, or the owners of the first organization. From
then on its members page decides: a person who was removed there does not come back.
"""

from collections.abc import Collection

from flask import current_app
from sqlalchemy import select

from console.accounts.models import Membership, Organization, Role, User
from console.accounts.projects import create_project
from console.accounts.slugs import OPERATORS, slug_of
from console.core import audit
from console.core.db import db, hold_alone, reading
from console.core.tenancy import enter_organization

NAME = "Pharos operators"
PROJECT = "Pharos"


def organization_of_operators() -> int | None:
    """The id of the operators' organization; None before there is one."""
    return db.session.scalar(select(Organization.id).where(Organization.builtin))


def establish() -> int | None:
    """The operators' organization, made for the first one's owners as soon as it has any. Commits.

    The present Session must not have written; returns None while nobody operates the console.
    """
    with reading():
        known = organization_of_operators()
        db.session.rollback()
        owners = () if known else _owners_of_the_first()
    return known or establish_for(owners)


def establish_for(owners: Collection[int]) -> int | None:
    """Make the operators' organization for these people if it is not there yet. Commits.

    Without people none is made, since it could never get an owner. It uses a separate Session, as
    each Session serves one organization.
    """
    if not owners:
        return None
    with current_app.app_context():
        hold_alone(OPERATORS)
        known = organization_of_operators()
        if known is None:
            known = _make(owners)
            db.session.commit()
        return known


def _owners_of_the_first() -> Collection[int]:
    with current_app.app_context():
        first = db.session.scalar(select(Organization.id).order_by(Organization.id).limit(1))
        if first is None:
            return ()
        enter_organization(first)
        owners = select(Membership.user_id).where(Membership.role == Role.OWNER)
        return db.session.scalars(owners).all()


def _make(owners: Collection[int]) -> int:
    taken = set(db.session.scalars(select(Organization.slug)))
    slug = OPERATORS if OPERATORS not in taken else slug_of(OPERATORS, taken)
    organization = Organization(name=NAME, slug=slug, builtin=True)
    db.session.add(organization)
    db.session.flush()
    enter_organization(organization.id)
    db.session.add_all(Membership(user_id=user_id, role=Role.OWNER) for user_id in owners)
    db.session.flush()
    audit.record("organization.created", NAME, actor="system")
    for email in db.session.scalars(select(User.email).join(Membership)):
        audit.record("member.joined", email, actor="system", role=Role.OWNER)
    create_project(PROJECT, platform="python", builtin=True)
    return organization.id
