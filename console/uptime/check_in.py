"""What a job says of itself: a Sentry client's check-in, or a ping of a heartbeat's address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

STATUSES = ("in_progress", "ok", "error")
IN_PROGRESS, OK, ERROR = STATUSES
LONGEST_SLUG = 50
ENVIRONMENT = "production"
"""Where a client's check-in names no environment, as Sentry reads it."""
LATEST = ""
"""Stands for the run that began last, where a check-in names none."""
_NOT_OF_A_SLUG = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """One check-in of a Sentry client, scrubbed; texts that are not known are ""."""

    organization_id: int
    project_id: int
    position: int
    timestamp: datetime
    """When it came: clients say no time of their own."""
    received_at: datetime
    run: str
    """32 hex digits that the check-ins of one run share; `LATEST` where there are none."""
    slug: str
    status: str
    environment: str = ENVIRONMENT
    release: str = ""
    duration_ms: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    """The client's `monitor_config`."""


def place_of(slug: str, environment: str) -> str:
    """What metrics call the check of a monitor: production has the monitor's own name.

    No two monitors share one: no slug has an @, and what is left out is in a hash.
    """
    if environment == ENVIRONMENT:
        return slug
    whole = f"{slug}@{environment}"
    if slug_of(environment) == environment and len(whole) <= LONGEST_SLUG:
        return whole
    rest = blake2b(whole.encode(), digest_size=4).hexdigest()
    return f"{slug[:26]}@{slug_of(environment)[:13]}-{rest}"


def slug_of(name: Any) -> str:
    """A monitor's name as its check has it; "" for a name that has no letter or digit."""
    text = name if isinstance(name, str) else ""
    return _NOT_OF_A_SLUG.sub("-", text.lower()[:200]).strip("-")[:LONGEST_SLUG]
