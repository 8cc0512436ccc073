"""Which failures of rules are logged: each reason once an hour, however many rules meet it."""

from __future__ import annotations

import logging
from datetime import timedelta

from console.core import clock

AGAIN_AFTER = timedelta(hours=1)
MOST = 1_000

log = logging.getLogger(__name__)
_logged: dict[tuple[int, str], float] = {}
"""When each reason was logged for an organization, on the steady clock."""


def complain(organization_id: int, rule_id: int, why: str) -> None:
    """Log that a rule cannot be evaluated, unless that is known.

    A damaged file of telemetry fails every rule of its organization, every minute.
    """
    now, key = clock.monotonic(), (organization_id, why)
    logged_at = _logged.get(key)
    if logged_at is not None and now - logged_at < AGAIN_AFTER.total_seconds():
        return
    if len(_logged) >= MOST:
        _logged.clear()
    _logged[key] = now
    log.warning(
        "rule %d cannot be evaluated, like others for an hour, which are not logged: %s",
        rule_id,
        why,
    )
