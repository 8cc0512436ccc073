"""What the pages of accounts show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort
from sqlalchemy import Row, exists, func, select
from sqlalchemy.orm import joinedload

from console.accounts import people
from console.accounts.models import (
    ApiToken,
    FirstAccount,
    Key,
    LoginSession,
    Membership,
    MonitoringConfig,
    Organization,
    Project,
    Role,
    User,
)
from console.core.audit import AuditEntry
from console.core.config import config
from console.core.db import db
from console.core.owner import owner_transaction
from console.core.paging import Page, page
from console.core.persons import enter_person, person_scope
from console.core.tenancy import bearer

AUDIT_PAGE = 50


@dataclass(frozen=True, slots=True)
class Belonging:
    """An organization of a person, and their role in it."""

    organization: Organization
    role: Role


def is_fresh() -> bool:
    """Whether nobody has an account yet, so that the set-up link works."""
    return not db.session.scalar(select(exists().where(FirstAccount.id == 1)))


def user_by_email(email: str) -> User | None:
    """The person with this address, which is lower case."""
    return people.by_email(email)


def everybody() -> Sequence[Row[Any, Any, Any, Any, Any]]:
    """All people by e-mail address, for an operator: what `pharos user list` prints of each.

    It takes the role of OWNER_DATABASE_URL; the present Session must not have written.
    """
    columns = (User.id, User.email, User.name, User.last_login_at, User.two_factor_since)
    with owner_transaction(config()) as connection:
        return connection.execute(select(*columns).order_by(User.email)).all()


def belongings(user_id: int) -> list[Belonging]:
    """A person's organizations by name, with their role in each."""
    with bearer(Membership, user_id):
        rows = db.session.execute(
            select(Organization, Membership.role)
            .join(Membership, Membership.organization_id == Organization.id)
            .order_by(Organization.builtin, Organization.name)
        ).all()
    return [Belonging(organization, role) for organization, role in rows]


def user_for_update(user_id: int) -> User | None:
    """The person as they are now, held until the commit; for who has proven to be that person."""
    query = select(User).where(User.id == user_id).with_for_update()
    enter_person(user_id)
    return db.session.scalar(query.execution_options(populate_existing=True))


def login_session_or_404(user: User, session_id: int) -> LoginSession:
    """One of the person's own sessions."""
    own = select(LoginSession).where(LoginSession.user_id == user.id)
    with person_scope(user.id):
        login_session = db.session.scalar(own.where(LoginSession.id == session_id))
    return login_session or abort(404)


def project_at(slug: str) -> Project | None:
    """The organization's project with this slug."""
    return db.session.scalar(select(Project).where(Project.slug == slug))


def memberships() -> Sequence[Membership]:
    """The organization's people by name, for `_members.html`."""
    return db.session.scalars(
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .options(joinedload(Membership.user))
        .order_by(func.lower(User.name), User.email)
    ).all()


def owners() -> Sequence[User]:
    """The organization's owners, by name."""
    own = select(User).join(Membership, Membership.user_id == User.id)
    owning = own.where(Membership.role == Role.OWNER).order_by(User.name, User.id)
    return db.session.scalars(owning).all()


def without_two_factor() -> Sequence[str]:
    """The addresses of the organization's people who have no second factor."""
    return db.session.scalars(
        select(User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(User.two_factor_since.is_(None))
        .order_by(User.email)
    ).all()


def membership_or_404(membership_id: int) -> Membership:
    """A member of this organization."""
    membership = db.session.scalar(select(Membership).where(Membership.id == membership_id))
    return membership or abort(404)


def monitoring_of(project: Project) -> MonitoringConfig:
    """The project's settings; every project has them."""
    return db.session.scalars(
        select(MonitoringConfig).where(MonitoringConfig.project_id == project.id)
    ).one()


def keys(project: Project) -> Sequence[Key]:
    """The project's keys, newest first, for `_keys.html`."""
    return db.session.scalars(
        select(Key).where(Key.project_id == project.id).order_by(Key.id.desc())
    ).all()


def key_or_404(project: Project, key_id: int) -> Key:
    """One of the project's keys."""
    key = db.session.scalar(select(Key).where(Key.project_id == project.id, Key.id == key_id))
    return key or abort(404)


def tokens(project: Project) -> Sequence[ApiToken]:
    """The project's API tokens that were not revoked, newest first, for `_tokens.html`."""
    return db.session.scalars(
        select(ApiToken)
        .where(ApiToken.project_id == project.id, ApiToken.revoked_at.is_(None))
        .options(joinedload(ApiToken.created_by))
        .order_by(ApiToken.id.desc())
    ).all()


def token_or_404(project: Project, token_id: int) -> ApiToken:
    """One of the project's API tokens."""
    token = db.session.scalar(
        select(ApiToken).where(ApiToken.project_id == project.id, ApiToken.id == token_id)
    )
    return token or abort(404)


def audit_entries(cursor: str) -> Page[AuditEntry]:
    """A page of the audit log, newest first; raises cursors.BadCursor."""
    return page(select(AuditEntry), (AuditEntry.id,), cursor, AUDIT_PAGE)
