"""Making organizations and projects with all that belongs to them, and their keys and tokens."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import current_app, has_request_context, request
from sqlalchemy import select

from console.accounts.models import (
    ApiToken,
    Key,
    Membership,
    MonitoringConfig,
    Organization,
    Project,
    Role,
    User,
)
from console.accounts.slugs import slug_of
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import Token, new_public_key, new_token
from console.core.db import db
from console.core.tenancy import enter_organization
from console.core.urls import split_url

DEFAULT_URL = "http://localhost:8000"
SERVED_AT = "pharos.served-at"
"""Where the app keeps the address that it serves at, for links outside a request."""


def create_organization(name: str, *, owner: User | None = None) -> Organization:
    """Add an organization and enter it; the Session must serve none yet. The caller commits."""
    taken = set(db.session.scalars(select(Organization.slug)))
    taken.add(config().base_path.strip("/").partition("/")[0])  # a proxy may leave it in addresses
    organization = Organization(name=name, slug=slug_of(name, taken))
    db.session.add(organization)
    db.session.flush()
    enter_organization(organization.id)
    if owner is not None:
        db.session.add(Membership(user_id=owner.id, role=Role.OWNER))
    audit.record("organization.created", name, actor=owner.email if owner else "")
    return organization


def create_project(name: str, *, platform: str = "", builtin: bool = False) -> Project:
    """Add a project with its monitoring settings and its first key. The caller commits."""
    taken = set(db.session.scalars(select(Project.slug)))
    project = Project(name=name, slug=slug_of(name, taken), platform=platform, builtin=builtin)
    db.session.add(project)
    db.session.flush()
    db.session.add(MonitoringConfig(project_id=project.id))
    create_key(project, "default")
    audit.record("project.created", name, platform=platform)
    return project


def create_key(project: Project, label: str, *, quota_per_minute: int | None = None) -> Key:
    """Add an ingest key. The caller commits."""
    key = Key(
        project_id=project.id,
        public_key=new_public_key(),
        label=label,
        quota_per_minute=quota_per_minute,
    )
    db.session.add(key)
    db.session.flush()
    return key


def rotate_key(key: Key, project: Project, *, grace: timedelta) -> Key:
    """Add a key in the place of another, which works on for `grace`. The caller commits."""
    successor = create_key(project, key.label, quota_per_minute=key.quota_per_minute)
    key.replaced_by_id = successor.id
    key.disabled_at = clock.now() + grace
    return successor


def create_token(
    project: Project,
    label: str,
    permissions: Iterable[str],
    *,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> tuple[ApiToken, str]:
    """Add an API token; return it with the secret, which is not kept. The caller commits."""
    secret, stored = new_token(Token.API)
    token = ApiToken(
        project_id=project.id,
        hash=stored,
        label=label,
        suffix=secret[-6:],
        permissions=sorted(permissions),
        created_by_id=by.id if by else None,
        expires_at=expires_at,
    )
    db.session.add(token)
    db.session.flush()
    return token, secret


def dsn_of(key: Key) -> str:
    """The address that a Sentry SDK is given: it names the key and the project's number."""
    url = split_url(console_url())
    return f"{url.scheme}://{key.public_key}@{url.netloc}{url.path}/{key.project_id}"


def console_url() -> str:
    """Where people and SDKs reach this console: PHAROS_URL, or how this request came in.

    Outside a request, it is where this process serves.
    """
    if config().base_url:
        return config().base_url
    served_at: str = current_app.extensions.get(SERVED_AT, DEFAULT_URL)
    return request.host_url.rstrip("/") if has_request_context() else served_at
