"""Two-factor sign-in: a code of an authenticator app (RFC 6238), or a recovery code."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import segno
from pyotp import TOTP
from sqlalchemy import delete, func, select

from console.accounts import person_log
from console.accounts.models import RecoveryCode, TwoFactor, User
from console.accounts.throttle import Gate, Limit
from console.accounts.unwritten import unwritten
from console.core import clock
from console.core.config import config
from console.core.crypto import (
    SealBrokenError,
    hash_of,
    new_otp_secret,
    new_recovery_code,
    same,
    seal,
    unseal,
)
from console.core.db import db
from console.core.persons import person_scope
from console.core.urls import split_url

CODES = 10
ENROLMENT_LASTS = timedelta(minutes=15)
# A code is one of a million, and three are right at a time: 96 tries a day from strange browsers.
GATE = Gate("code", pair=Limit(5), account=Limit(10), browser=Limit(5))
_STEPS = (0, -1, 1)  # a clock may be half a minute off, and a code takes time to type
_BLANKS = re.compile(r"[\s-]+")


class SecretLost(RuntimeError):
    """The stored secret was sealed under a SECRET_KEY that the console no longer has."""


def begun_enrolment(user: User) -> str:
    """Return a fresh secret, sealed, for the browser to keep until it is confirmed by a code."""
    started = int(clock.now().timestamp())
    return urlsafe_b64encode(_sealed(user, f"{started} {new_otp_secret()}")).decode()


def enrolment_secret(user: User, kept: str) -> str:
    """Return the secret that an enrolment began with, "" if it was long ago or another person's."""
    try:
        started, _, secret = _opened(user, urlsafe_b64decode(kept.encode())).partition(" ")
    except (SecretLost, ValueError):
        return ""
    since = clock.now().timestamp() - int(started)
    return secret if since <= ENROLMENT_LASTS.total_seconds() else ""


def qr_code(user: User, secret: str) -> str:
    """Return the picture that an authenticator app scans, as a `data:` address of an SVG."""
    host = split_url(config().base_url).hostname
    issuer = f"Pharos ({host})" if host else "Pharos"
    address = TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)
    picture = segno.make(address, error="m", micro=False)
    return picture.svg_data_uri(scale=4, dark="#000", light="#fff")


def switch_on(user: User, secret: str, code: str) -> list[str] | None:
    """Require codes of this secret from now on, if `code` is one; return recovery codes. No commit.

    Signed-in browsers stay signed in: the account page offers to sign them out.
    """
    step = _step(secret, code, clock.now())
    if step is None or user.two_factor_since is not None:
        return None
    with person_scope(user.id):
        sealed = _sealed(user, secret)
        db.session.add(TwoFactor(user_id=user.id, sealed=sealed, last_step=step))
    user.two_factor_since = clock.now()
    person_log.record(user, "two_factor.switched_on")
    return _fresh_recovery_codes(user)


def switch_off(user: User, *, actor: str = "") -> None:
    """Ask for the password alone from now on. The caller commits."""
    with person_scope(user.id):
        for model in (TwoFactor, RecoveryCode):
            db.session.execute(delete(model).where(model.user_id == user.id))
    user.two_factor_since = None
    person_log.record(user, "two_factor.switched_off", actor=actor)


def renew_recovery_codes(user: User) -> list[str]:
    """Return new recovery codes in place of all former ones. The caller commits."""
    person_log.record(user, "recovery_codes.renewed")
    return _fresh_recovery_codes(user)


def recovery_codes_left(user: User) -> int:
    """How many recovery codes were not used yet."""
    with person_scope(user.id):
        count = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user.id)
        return db.session.scalar(count) or 0


def accepts_code(user: User, code: str) -> bool:
    """Use up a code of the person's app; raises SecretLost. The caller commits.

    A code works once, and no code before it works afterwards: a code that was seen is worthless.
    """
    with person_scope(user.id):
        query = select(TwoFactor).where(TwoFactor.user_id == user.id)
        kept = db.session.scalar(query.with_for_update())
        step = _next_step(user, kept, code)
        if kept is None or step is None:
            return False
        kept.last_step = step
        # Under the present key, if it was under a former one.
        kept.sealed = _sealed(user, _opened(user, kept.sealed))
    return True


def is_right(user: User, code: str) -> bool:
    """Whether `accepts_code` would take a code, which this does not use up; raises SecretLost."""
    with person_scope(user.id):
        kept = db.session.scalar(select(TwoFactor).where(TwoFactor.user_id == user.id))
        return _next_step(user, kept, code) is not None


def use_up_in_memory(user: User, code: str) -> None:
    """Use up a code that was accepted while nothing can be written."""
    unwritten().use(_use_of(user, code))


def accepts_recovery_code(user: User, code: str) -> bool:
    """Use up a recovery code. The caller commits."""
    return is_right_recovery_code(user, code) and _use_up_recovery_code(user, _stored(code))


def is_right_recovery_code(user: User, code: str) -> bool:
    """Whether `accepts_recovery_code` would take a code, which this does not use up."""
    stored = _stored(code)
    own = RecoveryCode.user_id == user.id, RecoveryCode.hash == stored
    with person_scope(user.id):
        row = db.session.scalar(select(RecoveryCode.id).where(*own))
    return row is not None and not unwritten().was_used(stored)


def use_up_recovery_code_in_memory(user: User, code: str) -> None:
    """Use up a recovery code that was accepted while nothing can be written."""
    unwritten().owe(_stored(code), user.id)


def settle_recovery_codes(user: User) -> list[str]:
    """Use up in the database the codes that only memory used up; return them. No commit.

    The caller lets memory forget them, once they are written.
    """
    owed = unwritten().owed(user.id)
    for stored in owed:
        _use_up_recovery_code(user, stored)
    return owed


def _use_up_recovery_code(user: User, stored: str) -> bool:
    own = RecoveryCode.user_id == user.id, RecoveryCode.hash == stored
    with person_scope(user.id):
        used = delete(RecoveryCode).where(*own).returning(RecoveryCode.id)
        if not db.session.scalars(used).all():
            return False
    person_log.record(user, "recovery_code.used")
    return True


def _fresh_recovery_codes(user: User) -> list[str]:
    codes = [new_recovery_code() for _ in range(CODES)]
    with person_scope(user.id):
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        db.session.add_all(RecoveryCode(user_id=user.id, hash=_stored(code)) for code in codes)
    return codes


def _next_step(user: User, kept: TwoFactor | None, code: str) -> int | None:
    """The half minute of a code that is right and was not used, nor one after it."""
    if kept is None or unwritten().was_used(_use_of(user, code)):
        return None
    step = _step(_opened(user, kept.sealed), code, clock.now())
    return step if step is not None and step > kept.last_step else None


def _use_of(user: User, code: str) -> str:
    return hash_of(f"{user.id} {_BLANKS.sub('', code)}")


def _stored(code: str) -> str:
    """The hash of a recovery code, which does not depend on how its letters are grouped."""
    return hash_of(_BLANKS.sub("", code).lower())


def _step(secret: str, code: str, at: datetime) -> int | None:
    """The number of the half minute that the code is for, if it is one of about now."""
    app, given = TOTP(secret), _BLANKS.sub("", code)
    present = app.timecode(at)
    steps = (present + offset for offset in _STEPS)
    return next((step for step in steps if same(app.generate_otp(step), given)), None)


def _sealed(user: User, clear: str) -> bytes:
    """Seal a secret together with the person's id, so that no row can pass for another's."""
    return seal(config().secret_key, f"{user.id} {clear}".encode())


def _opened(user: User, sealed: bytes) -> str:
    settings = config()
    try:
        clear = unseal((settings.secret_key, *settings.secret_key_fallbacks), sealed).decode()
    except SealBrokenError as error:
        raise SecretLost("the secret cannot be read under the present SECRET_KEY") from error
    owner, _, rest = clear.partition(" ")
    if owner != str(user.id):
        raise SecretLost("the secret is another person's")
    return rest


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor: how it is checked, and used up, in the database or in memory alone."""

    accepts: Callable[[User, str], bool]
    is_right: Callable[[User, str], bool]
    use_up_in_memory: Callable[[User, str], None]


CODE = Factor(accepts_code, is_right, use_up_in_memory)
RECOVERY_CODE = Factor(
    accepts_recovery_code, is_right_recovery_code, use_up_recovery_code_in_memory
)
