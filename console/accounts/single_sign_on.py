"""Sign-in by OpenID Connect: what the provider says about a person, and which account that opens.

authlib does discovery, PKCE, state, nonce and the check of ID tokens. It is an optional extra and
is imported only where a provider is configured.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flask import Flask, Response, current_app
from sqlalchemy import delete, select

from console.accounts import people, person_log, queries
from console.accounts.models import LinkedIdentity, Membership, Organization, Role, User
from console.core import audit, clock
from console.core.config import Config, config
from console.core.db import db
from console.core.persons import person_scope, token_scope
from console.core.tenancy import enter_organization

EXTENSION = "pharos.oidc"
CALLBACK = "/login/single-sign-on/answer"
PROVIDER_SECONDS = 10
ACTOR = "single sign-on"
# Values of `amr` (RFC 8176) by which a provider says that it asked for more than a password.
SEVERAL_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "iris", "sc"})


class SignOnRefused(Exception):
    """The provider's answer opens no account; the message says why, to the person."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the provider knows them."""

    issuer: str
    subject: str
    email: str
    """Lower case, and verified by the provider."""
    name: str
    factors: int
    """1, or 2 if the provider says that it asked for more than a password."""

    @property
    def hash(self) -> str:
        """The hash by which the account is looked up; subjects are unique per issuer."""
        return sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()

    @property
    def may_join(self) -> bool:
        """Whether people of this address get an account by signing in."""
        domains = {domain.lower() for domain in config().oidc_domains}
        return self.email.rpartition("@")[2] in domains


def init_app(app: Flask, settings: Config) -> None:
    """Register the provider, where one is configured; no request is sent to it yet."""
    if not settings.oidc_issuer:
        return
    from authlib.integrations.flask_client import OAuth  # noqa: PLC0415 - an optional extra

    registry = OAuth(app)
    app.extensions[EXTENSION] = registry.register(
        "oidc",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": PROVIDER_SECONDS,
        },
    )


def is_offered() -> bool:
    """Whether people may sign in by a provider."""
    return EXTENSION in current_app.extensions


def to_provider(callback: str) -> Response:
    """The redirect to the provider, which sends the person back to `callback`.

    Raises SignOnRefused when the provider does not answer.
    """
    try:
        redirect: Response = _provider().authorize_redirect(callback)
    except Exception as error:
        raise _unanswered(error) from error
    return redirect


def answered() -> Identity:
    """Who the request comes from, as the provider's answer in it proves; raises SignOnRefused."""
    from authlib.integrations.base_client import OAuthError  # noqa: PLC0415 - an optional extra
    from joserfc.errors import JoseError  # noqa: PLC0415 - comes with it

    try:
        claims: dict[str, Any] = _provider().authorize_access_token().get("userinfo") or {}
    except (OAuthError, JoseError) as error:
        current_app.logger.warning("a sign-in by the provider failed: %s", type(error).__name__)
        raise SignOnRefused("The provider did not confirm who you are. Try again.") from error
    except Exception as error:
        raise _unanswered(error) from error
    return _identity(claims)


def known(identity: Identity) -> int | None:
    """The id of the person whose account is linked to the identity."""
    with token_scope(identity.hash):
        linked = select(LinkedIdentity.user_id).where(LinkedIdentity.hash == identity.hash)
        return db.session.scalar(linked)


def person_of(identity: Identity) -> User | None:
    """The person whose account is linked to the identity, held until the commit."""
    user_id = known(identity)
    if user_id is None:
        return None
    with person_scope(user_id):
        row = db.session.scalars(
            select(LinkedIdentity).where(LinkedIdentity.hash == identity.hash)
        ).one()
        row.last_login_at = clock.now()
    return queries.user_for_update(user_id)


def link(user: User, identity: Identity) -> None:
    """Let the identity sign in to the account from now on. The caller commits."""
    with person_scope(user.id):
        row = LinkedIdentity(user_id=user.id, hash=identity.hash, issuer=identity.issuer)
        db.session.add(row)
    person_log.record(user, "identity.linked", issuer=identity.issuer)


def unlink(user: User, identity_id: int) -> bool:
    """Unlink an identity from the account; False if it has no such identity. The caller commits."""
    with person_scope(user.id):
        row = db.session.get(LinkedIdentity, identity_id)
        if row is None or row.user_id != user.id:
            return False
        issuer = row.issuer
        db.session.execute(delete(LinkedIdentity).where(LinkedIdentity.id == identity_id))
    person_log.record(user, "identity.unlinked", issuer=issuer)
    return True


def linked(user: User) -> list[LinkedIdentity]:
    """The identities that sign in to the account."""
    with person_scope(user.id):
        return list(db.session.scalars(select(LinkedIdentity).order_by(LinkedIdentity.id)))


def join(identity: Identity, hashed: str) -> User:
    """Make an account for somebody of a domain that may join. The caller commits.

    `hashed` is of a password that nobody knows: who wants one as well asks for a link by mail.
    """
    name = identity.name[:100] or identity.email.partition("@")[0]
    user = people.add(identity.email, name, hashed)
    link(user, identity)
    query = select(Organization).where(Organization.slug == config().oidc_organization)
    organization = db.session.scalar(query)
    if organization is not None:
        enter_organization(organization.id)
        db.session.add(Membership(user_id=user.id, role=Role.VIEWER))
        audit.record("member.joined", user.email, actor=ACTOR, role=Role.VIEWER)
    return user


def _provider() -> Any:
    return current_app.extensions[EXTENSION]


def _identity(claims: dict[str, Any]) -> Identity:
    email, issuer, subject = (str(claims.get(name) or "") for name in ("email", "iss", "sub"))
    if not subject or not issuer or "@" not in email:
        raise SignOnRefused("The provider did not tell your e-mail address.")
    if claims.get("email_verified") is not True:
        raise SignOnRefused("The provider has not verified your e-mail address.")
    methods = claims.get("amr")
    several = isinstance(methods, list) and not SEVERAL_FACTORS.isdisjoint(map(str, methods))
    name = str(claims.get("name") or "")
    return Identity(issuer, subject, email.strip().lower()[:254], name, 2 if several else 1)


def _unanswered(error: Exception) -> SignOnRefused:
    """What authlib and its HTTP client raise when a provider is away or answers nonsense."""
    current_app.logger.warning("the provider of sign-ins does not answer: %s", type(error).__name__)
    return SignOnRefused("The provider does not answer. Try again, or use your password.")
