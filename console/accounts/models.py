"""Organizations, people, projects, their keys and settings."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to
from console.core.persons import PersonScoped

SLUG = 50


class Role(StrEnum):
    """What a member may do; each role may all that the ones before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    def may(self, needed: "Role") -> bool:
        """Whether this role includes `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Organization(Model):
    """A tenant: its rows are invisible to every other one."""

    __tablename__ = "organization"
    __table_args__ = (
        Index(
            "organization_of_operators",
            "builtin",
            unique=True,
            sqlite_where=text("builtin"),
            postgresql_where=text("builtin"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(SLUG), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    # The operators' own, of which there is one.
    builtin: Mapped[bool] = mapped_column(default=False, server_default=false())
    two_factor_required: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class User(Model):
    """A person who signs in; belongs to organizations by memberships.

    It has what Flask-Login asks of a person; its mixin would load Flask's test client with it, also
    for commands.
    """

    __tablename__ = "user"
    is_active: ClassVar[bool] = True
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))
    theme: Mapped[str] = mapped_column(String(10), default="auto")
    zone: Mapped[str] = mapped_column(String(64), default="")
    """The time zone that times are shown in; "" for the browser's."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_login_at: Mapped[datetime | None]
    two_factor_since: Mapped[datetime | None]  # its secrets stand in TwoFactor

    def get_id(self) -> str:
        """The id as Flask-Login keeps it in the session."""
        return str(self.id)


class Membership(OrganizationScoped, Model):
    """A person's role in an organization."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        Index("membership_of_user", "user_id"),
    )
    __bearer__ = "user_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    role: Mapped[Role]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    user: Mapped[User] = relationship(viewonly=True)
    organization: Mapped[Organization] = relationship(viewonly=True)


class FormerMember(OrganizationScoped, Model):
    """Somebody who left: what they wrote still bears their name."""

    __tablename__ = "former_member"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    left_at: Mapped[datetime] = mapped_column(default=clock.now)


class FirstAccount(Model):
    """A single row from the first account on, which everybody may read."""

    __tablename__ = "first_account"

    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    made_at: Mapped[datetime] = mapped_column(default=clock.now)


class Project(OrganizationScoped, Model):
    """What one team monitors under one DSN; its id is the number in that DSN."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("organization_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(SLUG))
    name: Mapped[str] = mapped_column(String(100))
    platform: Mapped[str] = mapped_column(String(20), default="")
    builtin: Mapped[bool] = mapped_column(default=False)  # the console's own project
    repository: Mapped[str] = mapped_column(String(2000), default="")
    """The address of a source line, with {path}, {line} and perhaps {release} in it."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    first_event_at: Mapped[datetime | None]
    organization: Mapped[Organization] = relationship(viewonly=True)
    monitoring: Mapped["MonitoringConfig"] = relationship(viewonly=True, uselist=False)


class Release(OrganizationScoped, Model):
    """A version of a project's software in one environment, known from what it sent."""

    __tablename__ = "release"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "environment", "version"),
        Index("release_by_time", "organization_id", "project_id", "last_seen"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    environment: Mapped[str] = mapped_column(String(64), default="")
    version: Mapped[str] = mapped_column(String(200), default="")
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    # By the console's own clock: what comes late or from a wrong clock does not move it.
    noted_at: Mapped[datetime] = mapped_column(default=clock.now)


class IpPolicy(StrEnum):
    """What is stored of a visitor's address."""

    KEEP = "keep"
    TRUNCATE = "truncate"
    REMOVE = "remove"


MOST_OF_THRESHOLDS = {
    "api_p95_ms": 600_000,
    "lcp_ms": 60_000,
    "inp_ms": 60_000,
    "cls_thousandths": 10_000,
}
"""The largest value of each threshold of a project; the least is 1."""


class MonitoringConfig(OrganizationScoped, Model):
    """One project's thresholds, retention and scrubbing rules."""

    __tablename__ = "monitoring_config"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    api_p95_ms: Mapped[int] = mapped_column(default=300)
    lcp_ms: Mapped[int] = mapped_column(default=2000)
    inp_ms: Mapped[int] = mapped_column(default=200)
    cls_thousandths: Mapped[int] = mapped_column(default=100)
    retention_days: Mapped[int] = mapped_column(default=90)
    retention_mb: Mapped[int] = mapped_column(default=20_000)
    scrub_defaults: Mapped[bool] = mapped_column(default=True)
    scrub_keys: Mapped[list[str]] = mapped_column(default=list)
    scrub_patterns: Mapped[list[str]] = mapped_column(default=list)
    scrub_safe_keys: Mapped[list[str]] = mapped_column(default=list)
    ip_policy: Mapped[IpPolicy] = mapped_column(default=IpPolicy.TRUNCATE)
    allowed_origins: Mapped[list[str]] = mapped_column(default=list)


class Key(OrganizationScoped, Model):
    """A public ingest key: it lets a client write into one project and read nothing."""

    __tablename__ = "key"
    __table_args__ = (
        belongs_to("project", "project_id"),
        Index("key_by_value", "public_key", unique=True),  # 128 random bits: reveals nothing
    )
    __bearer__ = "public_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    public_key: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(60), default="default")
    quota_per_minute: Mapped[int | None]  # items; None: the console's default, 0: no limit
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    disabled_at: Mapped[datetime | None]
    replaced_by_id: Mapped[int | None]
    project: Mapped[Project] = relationship(viewonly=True)

    def is_off(self) -> bool:
        """Whether it opens nothing: somebody disabled it, or its time since a rotation is over.

        What somebody disabled is off whatever the machine's clock says, which may be set back.
        """
        by_hand = self.disabled_at is not None and self.replaced_by_id is None
        return by_hand or (self.disabled_at is not None and self.disabled_at <= clock.now())


class ApiToken(OrganizationScoped, Model):
    """A script's credential for one project's API, kept as a hash and shown once."""

    __tablename__ = "api_token"
    __table_args__ = (
        belongs_to("project", "project_id"),
        Index("api_token_by_hash", "hash", unique=True),
    )
    __bearer__ = "hash"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(60))
    suffix: Mapped[str] = mapped_column(String(6))
    permissions: Mapped[list[str]]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    project: Mapped[Project] = relationship(viewonly=True)
    created_by: Mapped[User | None] = relationship(viewonly=True)


class Invitation(OrganizationScoped, Model):
    """An offer of a membership, accepted by whoever holds the link."""

    __tablename__ = "invitation"
    __table_args__ = (Index("invitation_by_hash", "hash", unique=True),)
    __bearer__ = "hash"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role]
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    organization: Mapped[Organization] = relationship(viewonly=True)


class KnownBrowser(PersonScoped, Model):
    """A browser that its person has signed in with, known by a cookie: others' tries pass it by."""

    __tablename__ = "known_browser"
    __table_args__ = (Index("known_browser_of_user", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_login_at: Mapped[datetime] = mapped_column(default=clock.now)
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class PasswordReset(PersonScoped, Model):
    """A link that was mailed to a person who forgot their password; gone when it is used."""

    __tablename__ = "password_reset"
    __table_args__ = (Index("password_reset_of_user", "user_id"),)
    __token__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]


class TwoFactor(PersonScoped, Model):
    """The secret that a person's authenticator app makes codes of, sealed by the console's key."""

    __tablename__ = "two_factor"
    __table_args__ = (UniqueConstraint("user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)  # of the last code: none is taken twice
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class RecoveryCode(PersonScoped, Model):
    """A code that stands in for a lost authenticator app, once; gone when it is used."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("recovery_code_of_user", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class LinkedIdentity(PersonScoped, Model):
    """Who a person is at an OpenID Connect provider; `hash` is of issuer and subject."""

    __tablename__ = "linked_identity"
    __table_args__ = (Index("linked_identity_of_user", "user_id"),)
    __token__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    issuer: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_login_at: Mapped[datetime] = mapped_column(default=clock.now)


class Passkey(PersonScoped, Model):
    """A key pair of a person's device, which signs them in; `hash` is of the credential's id."""

    __tablename__ = "passkey"
    __table_args__ = (Index("passkey_of_user", "user_id"),)
    __token__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)  # so that a device makes one only
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # as COSE (RFC 9052)
    sign_count: Mapped[int] = mapped_column(BigInteger)  # 0 for ever on devices that do not count
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]


class LoginSession(PersonScoped, Model):
    """A browser that is signed in; ending it here ends it at once."""

    __tablename__ = "login_session"
    __table_args__ = (Index("login_session_of_user", "user_id"),)
    __token__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_id: Mapped[int | None] = mapped_column(
        ForeignKey("known_browser.id", ondelete="CASCADE")  # forgotten, it is signed out as well
    )
    # That the first step proved: 2 if by a passkey, or a provider that asked for several.
    factors: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class LoginThrottle(Model):
    """Failed tries of one kind on an account, from a network or a browser, and how long they wait.

    `account` is the hash of the address that was tried, or empty for a network as a whole.
    """

    __tablename__ = "login_throttle"
    __table_args__ = (Index("login_throttle_of_account", "account"),)

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)  # hash of what is counted
    account: Mapped[str] = mapped_column(String(64), default="")
    failures: Mapped[int]
    last_failure_at: Mapped[datetime]
    blocked_until: Mapped[datetime]
