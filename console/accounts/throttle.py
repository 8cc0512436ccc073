"""Tries at a password, a code or a mailbox slow the next ones down, across restarts.

Three things have a count: the account as tried from one network, the network, and, more slowly, the
account from everywhere. A browser that its person has signed in with has a separate count instead:
other people's tries do not keep the person out, and a thief of its cookie may guess no faster.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, select

from console.accounts.models import LoginThrottle
from console.accounts.unwritten import FORGOTTEN_AFTER, unwritten
from console.core import absences, clock
from console.core.db import db, insert, reading
from console.core.noting import CannotWrite, writing_soon

# What one customer has whole: an IPv6 host is given a /64, a site often a /48.
IPV6_NETWORK, IPV6_SITE = 64, 48
QUARTER = timedelta(minutes=15)
SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries are free; each one after them doubles the wait, from `first` to `longest`."""

    free: int
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = QUARTER

    def wait(self, tries: int) -> timedelta:
        """How long the next try waits after so many."""
        if tries < self.free:
            return timedelta()
        doubled: timedelta = self.first * 2 ** min(tries - self.free, 20)
        return min(doubled, self.longest)

    def left(self, blocked_until: datetime) -> timedelta:
        """How long a try must still wait that waits until then.

        A longer wait than any was written before the clock was set back: it would lock people out.
        """
        left = blocked_until - clock.now()
        return timedelta() if left > self.longest + SLACK else left


@dataclass(frozen=True, slots=True)
class Gate:
    """A kind of try, with its limits for each count."""

    name: str
    pair: Limit  # an account from one network
    account: Limit  # an account from everywhere
    browser: Limit  # a browser that is known to the account
    network: Limit = Limit(20)
    site: Limit = Limit(100)


PASSWORD = Gate(
    "password",
    pair=Limit(5),
    # A minute at most: an attacker with many networks has 1,440 guesses a day left.
    account=Limit(50, longest=timedelta(minutes=1)),
    browser=Limit(5),
)


@dataclass(frozen=True, slots=True)
class Count:
    """A row in which a try counts: its key, the account whose unlocking deletes it, its limit."""

    subject: str
    account: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try on an account (its e-mail address) from an address; `browser_id` if that is known."""

    gate: Gate
    email: str
    address: str
    browser_id: int = 0

    def begin(self) -> timedelta:
        """Count the try before its secret is looked at; return how long it must wait, if at all.

        Counting first leaves nothing to win by trying in parallel. A try that must wait anyway only
        reads: a flood writes nothing. Unknown accounts count like known ones, so that the answer
        tells nothing. Ends the transaction under way, and commits.
        """
        counts = {count.subject: count for count in self._counts()}
        wait = max(_present_wait(counts), unwritten().wait(counts))
        if wait > timedelta():
            return wait
        with suppress(CannotWrite), writing_soon():
            return self._counted(counts)
        return unwritten().count({subject: count.limit.wait for subject, count in counts.items()})

    def _counted(self, counts: Mapping[str, "Count"]) -> timedelta:
        rows = _held(counts)
        wait = max(counts[row.subject].limit.left(row.blocked_until) for row in rows)
        if wait <= timedelta():
            for row in rows:
                row.failures += 1
                row.last_failure_at = clock.now()
                row.blocked_until = clock.now() + counts[row.subject].limit.wait(row.failures)
        db.session.commit()
        return max(wait, timedelta())

    def succeeded(self) -> None:
        """Forget the account's failures here, and take this try back elsewhere. No commit."""
        counts = {count.subject: count for count in self._counts()}
        own = next(iter(counts))
        unwritten().forget(own)
        for row in _held(counts):
            row.failures = 0 if row.subject == own else max(0, row.failures - 1)
            row.blocked_until = clock.now()

    def succeeded_unwritten(self) -> None:
        """Forget what memory has of the account's failures here: nothing can be written."""
        unwritten().forget(next(self._counts()).subject)

    def _counts(self) -> Iterator[Count]:
        """The rows in which the try counts; first the one of this account from this place."""
        gate, account = self.gate, _hash(self.email)
        if self.browser_id:
            subject = _hash(gate.name, "browser", str(self.browser_id))
            yield Count(subject, account, gate.browser)
            return
        network, site = networks(self.address)
        yield Count(_hash(gate.name, "pair", account, network), account, gate.pair)
        yield Count(_hash(gate.name, "account", account), account, gate.account)
        yield Count(_hash(gate.name, "network", network), "", gate.network)
        if site:
            yield Count(_hash(gate.name, "site", site), "", gate.site)


def unlock(email: str) -> int:
    """Forget all failed tries on an account; return how many counts. No commit."""
    of_account = LoginThrottle.account == _hash(email)
    return len(
        db.session.scalars(
            delete(LoginThrottle).where(of_account).returning(LoginThrottle.subject)
        ).all()
    )


def forget_old() -> str:
    """Delete counts that slow nobody down any longer. Commits."""
    old = LoginThrottle.last_failure_at < absences.certain_now() - FORGOTTEN_AFTER
    db.session.execute(delete(LoginThrottle).where(old))
    db.session.commit()
    return "done"


def networks(address: str) -> tuple[str, str]:
    """The address; for IPv6 the network that a host has whole, and the one that a site has."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a test client or a Unix socket
        return address, ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        host, site = (
            str(ip_network((parsed, bits), strict=False)) for bits in (IPV6_NETWORK, IPV6_SITE)
        )
        return host, site
    return str(getattr(parsed, "ipv4_mapped", None) or parsed), ""


def _hash(*parts: str) -> str:
    """A key of fixed length; the line breaks keep two lists of parts apart."""
    return sha256("\n".join(parts).encode()).hexdigest()


def _present_wait(counts: Mapping[str, Count]) -> timedelta:
    """How long the strictest of these counts makes the next try wait, without a write lock."""
    db.session.rollback()
    with reading():
        query = select(LoginThrottle.subject, LoginThrottle.blocked_until)
        rows = db.session.execute(query.where(LoginThrottle.subject.in_(counts)))
        waits = [counts[subject].limit.left(until) for subject, until in rows]
        db.session.rollback()
    return max(waits, default=timedelta())


def _held(counts: Mapping[str, Count]) -> list[LoginThrottle]:
    """The rows of these counts, made when missing, and held until the commit.

    In one order, so that two tries never wait for each other.
    """
    now = clock.now()
    new = [
        {
            "subject": subject,
            "account": count.account,
            "failures": 0,
            "last_failure_at": now,
            "blocked_until": now,
        }
        for subject, count in sorted(counts.items())
    ]
    db.session.execute(insert(LoginThrottle).values(new).on_conflict_do_nothing())
    query = select(LoginThrottle).where(LoginThrottle.subject.in_(counts))
    rows = list(db.session.scalars(query.order_by(LoginThrottle.subject).with_for_update()))
    for row in rows:
        if row.last_failure_at < now - FORGOTTEN_AFTER:
            row.failures = 0
    return rows
