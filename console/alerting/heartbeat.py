"""Tells a service outside that alerting is alive: it notices when the whole console is not."""

from __future__ import annotations

import logging

from console.alerting import pulse, watchdog
from console.core import leases
from console.core.config import config
from console.core.db import db, reading
from console.core.http import Call, CallFailed, call
from console.core.urls import split_url

SECONDS = 10.0
WATCHED = (pulse.TICK, watchdog.JOB, "deliver-messages", "escalate")
"""Jobs of alerting whose last run must not have failed."""
log = logging.getLogger(__name__)


def send() -> str:
    """Call the heartbeat's address, with `/fail` when something stands still; returns what came.

    The protocol is that of healthchecks.io: GET the address on success, and its `/fail` otherwise.
    """
    url = config().heartbeat_url
    if not url:
        return "no address"
    pulse.look()
    if pulse.current().begins:
        return "waits for the first evaluation"
    fault = _fault()
    if fault:
        log.warning("the heartbeat says that alerting fails: %s", fault)
        url = _failing(url)
    try:  # the operator's own address, which may be of a private network
        answer = call(Call(url=url, seconds=SECONDS, allow_private=True))
    except CallFailed as failure:
        log.warning("the heartbeat was not sent: %s", failure)
        return f"not sent: {failure}"
    return f"{'failure' if fault else 'success'}: answered {answer.status}"


def _fault() -> str:
    """What fails in any organization, for the operator; "" if all goes on."""
    known = pulse.current()
    if not known.is_alive:
        return "rules are not evaluated"
    with reading():
        failed = sorted(run.job for run in leases.last_runs() if run.error and run.job in WATCHED)
        db.session.rollback()
    if failed:
        return f"these jobs fail: {', '.join(failed)}"
    count = sum(map(bool, known.troubles.values()))
    return f"something stands still in {count} organizations" if count else ""


def _failing(url: str) -> str:
    """The address that takes failures: `/fail` behind the path."""
    parts = split_url(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/fail").geturl()
