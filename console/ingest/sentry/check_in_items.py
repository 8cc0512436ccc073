"""Decodes the check-ins of Sentry's clients (develop.sentry.dev, "Check-Ins")."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from console.ingest.arrival import Arrival, hex_id, label, number, text
from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import Decoded
from console.ingest.sentry.envelope import Item
from console.uptime.check_in import ENVIRONMENT, LATEST, STATUSES, CheckIn, slug_of

_LONGEST = 366 * 24 * 3600
_NO_RUN = "0" * 32
_AMOUNTS = ("checkin_margin", "max_runtime", "failure_issue_threshold", "recovery_threshold")


def keep(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    """Keep a check-in. Raises Undecodable."""
    keep_fields(load_json(item.payload), arrival, decoded)


def keep_fields(sent: Any, arrival: Arrival, decoded: Decoded) -> None:
    """The same for a check-in that was read."""
    if not isinstance(sent, dict):
        raise Undecodable("the payload is no JSON object")
    run, status = hex_id(sent.get("check_in_id"), 32), text(sent.get("status")).lower()
    if status not in STATUSES:
        raise Undecodable("a check-in whose status is not known")
    scrubbed = arrival.context.scrubbed(dict(sent))
    check_in = scrubbed.then(partial(_check_in, arrival=arrival, run=run, status=status))
    if not check_in.content.slug:
        raise Undecodable("a check-in without the name of a monitor")
    decoded.keep(check_in)


def _check_in(fields: Mapping[str, Any], *, arrival: Arrival, run: str, status: str) -> CheckIn:
    context = arrival.context
    config = fields.get("monitor_config")
    return CheckIn(
        organization_id=context.organization_id,
        project_id=context.project_id,
        position=context.position,
        timestamp=context.received_at,
        received_at=context.received_at,
        run=LATEST if run == _NO_RUN else run,
        slug=slug_of(fields.get("monitor_slug")),
        status=status,
        environment=label(fields.get("environment"), 64) or ENVIRONMENT,
        release=label(fields.get("release")),
        duration_ms=_milliseconds(fields.get("duration")),
        config=_numbered(config) if isinstance(config, dict) else {},
    )


def _numbered(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A config with numbers where scripts wrote them as text."""
    fields = {**config, **_numbers(config, _AMOUNTS)}
    schedule = config.get("schedule")
    if isinstance(schedule, dict) and schedule.get("type") == "interval":
        fields["schedule"] = {**schedule, **_numbers(schedule, ("value",))}
    return fields


def _numbers(fields: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    amounts = {name: number(fields.get(name)) for name in names}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _milliseconds(seconds: Any) -> int | None:
    taken = number(seconds)
    return round(taken * 1000) if taken is not None and 0 <= taken <= _LONGEST else None
