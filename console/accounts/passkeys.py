"""Passkeys (WebAuthn): a key that never leaves a person's device signs them in.

The device asks for a finger, a face or a PIN before it signs, so a passkey counts as two factors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, TypeVar

from flask import current_app, session
from sqlalchemy import delete, func, select
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    generate_challenge,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from console.accounts import person_log, plain_cbor, projects, queries
from console.accounts.models import Passkey, User
from console.accounts.throttle import Attempt, Gate, Limit, networks
from console.accounts.unwritten import unwritten
from console.core import clock
from console.core.config import config
from console.core.crypto import hash_of, keyed_hash
from console.core.db import db
from console.core.persons import person_scope, token_scope
from console.core.urls import split_url

Result = TypeVar("Result")

MOST = 20  # passkeys of one person
LASTS = timedelta(minutes=5)
MILLISECONDS = int(LASTS.total_seconds() * 1000)
REGISTRATION, SIGN_IN = "passkey_registration", "passkey_sign_in"  # session keys of challenges
UNUSABLE = "This is not a passkey that the console can use. Try again, or use another device."
UNKNOWN = "This passkey does not open an account here."
# Nobody guesses a signature: what is limited is the work that a flood makes.
_FLOOD = Limit(20, longest=timedelta(minutes=1))
GATE = Gate("passkey", pair=_FLOOD, account=_FLOOD, browser=_FLOOD, network=_FLOOD)


class PasskeyRefused(Exception):
    """The answer of a device is not valid; the message says why, to the person."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where this console's passkeys work: the host they are bound to, and the origin of its pages.

    See https://www.w3.org/TR/webauthn-3/#relying-party-identifier.
    """

    host: str
    origin: str


def site() -> Site | None:
    """Where they work; None if browsers make none here: it takes https or localhost, and a name."""
    url = split_url(projects.console_url())
    host = url.hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if _is_address(host) or not (url.scheme == "https" or (local and url.scheme == "http")):
        return None
    usual = {"https": 443, "http": 80}[url.scheme]
    port = "" if url.port in {None, usual} else f":{url.port}"
    return Site(host, f"{url.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a device is to sign, and when this browser got it."""

    content: bytes
    issued: datetime

    @property
    def name(self) -> str:
        """By which memory knows that it was used."""
        return hash_of(bytes_to_base64url(self.content))


def begin_registration() -> None:
    """Let this browser add a passkey within five minutes."""
    _new_challenge(REGISTRATION)


def creation_options(user: User) -> dict[str, Any] | None:
    """What `navigator.credentials.create` takes as JSON; None if nothing was begun of late."""
    place, challenge = site(), _pending(REGISTRATION)
    if place is None or challenge is None:
        return None
    options = generate_registration_options(
        rp_id=place.host,
        rp_name="Pharos",
        user_id=bytes.fromhex(keyed_hash(config().secret_key, "passkey", str(user.id))),
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        timeout=MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in owned(user)
        ],
    )
    return options_to_json_dict(options)


def register(user: User, answer: str, name: str) -> None:
    """Add the passkey that a device made; raises PasskeyRefused. The caller commits."""
    challenge = _used_up(REGISTRATION).content
    place = _site_or_refused()
    credential = _checked(UNUSABLE, lambda: parse_registration_credential_json(answer))
    made = credential.response.attestation_object
    if not _checked(UNUSABLE, lambda: plain_cbor.is_plain_attestation(made)):
        raise PasskeyRefused(UNUSABLE)
    verified = _checked(
        UNUSABLE,
        lambda: verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        ),
    )
    stored = hash_of(bytes_to_base64url(verified.credential_id))
    with token_scope(stored):
        query = select(Passkey.id).where(Passkey.hash == stored)
        if db.session.scalar(query) is not None:
            raise PasskeyRefused("This passkey was added before.")
    if count(user.id) >= MOST:
        raise PasskeyRefused(f"You have {MOST} passkeys, the most that you can. Remove one first.")
    with person_scope(user.id):
        db.session.add(
            Passkey(
                user_id=user.id,
                hash=stored,
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                name=name,
            )
        )
    person_log.record(user, "passkey.added", name=name)


def request_options() -> str:
    """What `navigator.credentials.get` takes to sign in whoever has a passkey, as JSON."""
    options = generate_authentication_options(
        rp_id=_site_or_refused().host,
        challenge=_new_challenge(SIGN_IN),
        timeout=MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def awaits_sign_in() -> bool:
    """Whether this browser got a challenge lately: without one, no answer is read."""
    return _pending(SIGN_IN) is not None


def attempt(address: str) -> Attempt:
    """A try from an address: its account is known only when it succeeds, so the network counts."""
    return Attempt(GATE, networks(address)[0], address)


def sign_in_challenge() -> Challenge:
    """The challenge of this browser, which awaits no second answer; raises PasskeyRefused."""
    challenge = _used_up(SIGN_IN)
    if unwritten().was_used(challenge.name):
        raise PasskeyRefused(UNKNOWN)
    return challenge


def person_of(answer: str, challenge: Challenge) -> User:
    """Whom a device's answer signs in, held until the commit; raises PasskeyRefused."""
    user, passkey, count = _proven(answer, challenge)
    with person_scope(user.id):
        passkey.sign_count, passkey.last_used_at = count, clock.now()
    return user


def person_of_unwritten(answer: str, challenge: Challenge) -> User:
    """The same while nothing can be written: memory knows that the challenge was used."""
    user, _, _ = _proven(answer, challenge)
    unwritten().use(challenge.name)
    return user


def _proven(answer: str, challenge: Challenge) -> tuple[User, Passkey, int]:
    """The person, their passkey, and how often the device has signed; raises PasskeyRefused.

    The answer's user handle is ignored: no signature covers it, and the key belongs to a person.
    """
    place = _site_or_refused()
    credential = _checked(UNKNOWN, lambda: parse_authentication_credential_json(answer))
    if not plain_cbor.is_plain_authenticator_data(credential.response.authenticator_data):
        raise PasskeyRefused(UNKNOWN)
    stored = hash_of(credential.id)
    with token_scope(stored):
        user_id = db.session.scalar(select(Passkey.user_id).where(Passkey.hash == stored))
    user = queries.user_for_update(user_id) if user_id is not None else None
    if user is None:
        raise PasskeyRefused(UNKNOWN)
    with person_scope(user.id):
        query = select(Passkey).where(Passkey.hash == stored, Passkey.user_id == user.id)
        passkey = db.session.scalar(query.with_for_update())
        # A kept copy of the cookie brings its challenge back, which is older than its use.
        if passkey is None or (passkey.last_used_at or challenge.issued) > challenge.issued:
            raise PasskeyRefused(UNKNOWN)
        key, signed = passkey.public_key, passkey.sign_count
        verified = _checked(
            UNKNOWN,
            lambda: verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.content,
                expected_rp_id=place.host,
                expected_origin=place.origin,
                credential_public_key=key,
                credential_current_sign_count=signed,
                require_user_verification=True,
            ),
        )
    return user, passkey, verified.new_sign_count


def owned(user: User) -> list[Passkey]:
    """The person's passkeys, oldest first."""
    with person_scope(user.id):
        query = select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)
        return list(db.session.scalars(query))


def count(user_id: int) -> int:
    """How many passkeys the person has."""
    with person_scope(user_id):
        query = select(func.count(Passkey.id)).where(Passkey.user_id == user_id)
        return db.session.scalar(query) or 0


def remove(user: User, passkey_id: int) -> bool:
    """Let a passkey sign in no more; False if the person has no such one. The caller commits."""
    with person_scope(user.id):
        own = delete(Passkey).where(Passkey.user_id == user.id, Passkey.id == passkey_id)
        name = db.session.scalar(own.returning(Passkey.name))
    if name is None:
        return False
    person_log.record(user, "passkey.removed", name=name)
    return True


def remove_all(user: User, *, actor: str = "") -> int:
    """Remove every passkey, which a thief may have added; return how many. The caller commits."""
    with person_scope(user.id):
        own = delete(Passkey).where(Passkey.user_id == user.id)
        names = db.session.scalars(own.returning(Passkey.name)).all()
    for name in names:
        person_log.record(user, "passkey.removed", actor=actor, name=name)
    return len(names)


def _new_challenge(key: str) -> bytes:
    challenge = generate_challenge()
    at = clock.now().timestamp()
    session[key] = {"challenge": bytes_to_base64url(challenge), "at": at}
    return challenge


def _pending(key: str) -> bytes | None:
    note = session.get(key)
    if note is None or clock.now().timestamp() - note["at"] > LASTS.total_seconds():
        return None
    return base64url_to_bytes(note["challenge"])


def _used_up(key: str) -> Challenge:
    """The challenge that awaits an answer; it awaits no second one."""
    challenge, note = _pending(key), session.pop(key, None)
    if challenge is None or note is None:
        raise PasskeyRefused("That took longer than five minutes. Try again.")
    return Challenge(challenge, datetime.fromtimestamp(note["at"], UTC))


def _site_or_refused() -> Site:
    place = site()
    if place is None:
        raise PasskeyRefused("Passkeys take https, or localhost, and a host name.")
    return place


def _checked(words: str, check: Callable[[], Result]) -> Result:
    """What `check` returns; PasskeyRefused with these words if it raises.

    Its parsers raise whatever the bytes of a hostile device make them raise.
    """
    try:
        return check()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:200]
        current_app.logger.warning("a passkey was refused: %r", why)
        raise PasskeyRefused(words) from error


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
