"""Failed sign-ins slow the next ones down, per account and per address, across restarts."""

from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, select

from console.accounts.models import LoginThrottle
from console.core import clock
from console.core.db import db, insert

FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 5, 20
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=12)


def attempt(email: str, address: str) -> timedelta:
    """Count a try before its password is looked at; return how long it must wait, if at all.

    Counting first leaves nothing to win by trying in parallel. Unknown accounts count like known
    ones, so that the answer tells nothing. Commits.
    """
    rows = [_row(subject) for subject in _subjects(email, address)]
    now = clock.now()
    wait = max(row.blocked_until - now for row in rows)
    if wait <= timedelta():
        for row, free in zip(rows, (FREE_OF_ACCOUNT, FREE_OF_ADDRESS), strict=True):
            _count(row, free)
    db.session.commit()
    return max(wait, timedelta())


def succeeded(email: str, address: str) -> None:
    """Forget the account's failures and take back the address's last. The caller commits."""
    account, place = (_row(subject) for subject in _subjects(email, address))
    place.failures = max(0, place.failures - 1)
    if place.failures <= FREE_OF_ADDRESS:
        place.blocked_until = clock.now()
    db.session.delete(account)


def forget_old() -> None:
    """Delete what no longer slows anybody down. Commits."""
    old = LoginThrottle.last_failure_at < clock.now() - FORGOTTEN_AFTER
    db.session.execute(delete(LoginThrottle).where(old))
    db.session.commit()


def _subjects(email: str, address: str) -> tuple[str, str]:
    return _digest(f"account:{email}"), _digest(f"address:{_network(address)}")


def _digest(subject: str) -> str:
    return sha256(subject.encode()).hexdigest()


def _network(address: str) -> str:
    """The address, or for IPv6 the /64 that one customer has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a test client or a Unix socket
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _row(subject: str) -> LoginThrottle:
    """The subject's row, made when missing, and held until the commit."""
    now = clock.now()
    new = {"subject": subject, "failures": 0, "last_failure_at": now, "blocked_until": now}
    db.session.execute(insert(LoginThrottle).values(new).on_conflict_do_nothing())
    found = select(LoginThrottle).where(LoginThrottle.subject == subject).with_for_update()
    row = db.session.scalars(found).one()
    if row.last_failure_at < now - FORGOTTEN_AFTER:
        row.failures = 0
    return row


def _count(row: LoginThrottle, free: int) -> None:
    row.failures += 1
    row.last_failure_at = clock.now()
    if row.failures >= free:
        doubled = FIRST_WAIT * 2 ** min(row.failures - free, 20)
        row.blocked_until = row.last_failure_at + min(doubled, LONGEST_WAIT)
