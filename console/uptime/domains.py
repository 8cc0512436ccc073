"""When the registrations of domains expire, as an RDAP service says (RFC 9082, 9083)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import orjson
from sqlalchemy import or_, select, update
from yarl import URL

from console.core import clock
from console.core.config import config
from console.core.db import db, reading, writing
from console.core.http import Call, CallFailed, fetch
from console.core.loops import finished
from console.uptime.models import Check, CheckKind, CheckState

OFF = "off"
ASK_EVERY = timedelta(days=1)
SLACK = timedelta(minutes=1)
MOST_CHECKS, MOST_NAMES, SECONDS = 50, 5, 5.0

log = logging.getLogger(__name__)


def ask_expiry(organization_id: int) -> Mapping[str, int]:
    """Ask when the domains of checks expire, of each check at most once a day. Commits."""
    del organization_id  # the Session is bound to it
    base = config().rdap_url
    hosts = _claimed() if base != OFF else {}
    if not hosts:
        return {"domains asked about": 0}
    names = list(dict.fromkeys(hosts.values()))
    expiries = dict(zip(names, finished(_all_expiries(base, names)), strict=True))
    with writing():
        for check_id, host in hosts.items():
            if until := expiries[host]:
                changing = update(Check).where(Check.id == check_id).values(domain_until=until)
                db.session.execute(changing.execution_options(synchronize_session=False))
        db.session.commit()
    return {"domains asked about": len(names)}


def names_of(host: str) -> Iterator[str]:
    """The names that may be the registered one: the host, then its parents, the longest first."""
    labels = host.rstrip(".").lower().split(".")
    for place in range(max(0, len(labels) - MOST_NAMES), len(labels) - 1):
        yield ".".join(labels[place:])


def _claimed() -> Mapping[int, str]:
    """The hosts of checks that were not asked about for a day, from now on taken as asked."""
    with reading():
        long_ago = Check.domain_asked_at < clock.now() - ASK_EVERY
        ahead = Check.domain_asked_at > clock.now() + SLACK  # the clock was set back
        waiting = select(Check.id, Check.settings).where(
            Check.kind == CheckKind.HTTP,
            Check.state != CheckState.PAUSED,
            or_(Check.domain_asked_at.is_(None), long_ago, ahead),
        )
        rows = db.session.execute(waiting.order_by(Check.id).limit(MOST_CHECKS)).all()
        db.session.rollback()
    with writing():
        ids = [check_id for check_id, _ in rows]
        asked = update(Check).where(Check.id.in_(ids)).values(domain_asked_at=clock.now())
        db.session.execute(asked.execution_options(synchronize_session=False))
        db.session.commit()
    hosts = {check_id: URL(settings["url"]).raw_host or "" for check_id, settings in rows}
    return {check_id: host for check_id, host in hosts.items() if _is_registered(host)}


def _is_registered(host: str) -> bool:
    """Whether a host may be part of a domain that somebody has registered."""
    try:
        ip_address(host)
    except ValueError:
        return "." in host.strip(".")
    return False


async def _all_expiries(base: str, hosts: Sequence[str]) -> Sequence[datetime | None]:
    return await asyncio.gather(*(_expiry(base, host) for host in hosts))


async def _expiry(base: str, host: str) -> datetime | None:
    """When the domain of a host expires; None if the service does not say so."""
    for name in names_of(host):
        call = Call(
            url=f"{base.rstrip('/')}/domain/{name}",
            headers={"Accept": "application/rdap+json"},
            seconds=SECONDS,
            allow_private=config().private_addresses,
        )
        try:
            reply = await fetch(call)
        except CallFailed as failure:
            log.warning("RDAP does not say when %s expires: %s", name, failure)
            return None
        if reply.status == 200:
            return _expiration(reply.body)
        if reply.status != 404:
            log.warning("RDAP answers %d about %s", reply.status, name)
            return None
    return None


def _expiration(body: bytes) -> datetime | None:
    """The moment of the event "expiration" of an RDAP answer, which may be anything."""
    try:
        answer: Any = orjson.loads(body)
        events = answer["events"]
        (moment,) = (e["eventDate"] for e in events if e["eventAction"] == "expiration")
        return clock.instant(moment)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
