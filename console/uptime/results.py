"""What a try makes of its check: results to store, and the new columns of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from console.core import absences, clock
from console.core.absences import Away
from console.telemetry.records import CheckResult
from console.uptime.models import (
    LONGEST_WHY,
    Check,
    CheckState,
    MaintenanceWindow,
    Outage,
)
from console.uptime.probe import Answer
from console.uptime.prober import Tried
from console.uptime.standing import Standing, outage_between, recovered

RUN = 1
"""Results come from no run that could be repeated as a whole: each has a key of its own."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is stored of a try, while its claim holds."""

    check_id: int
    claim: str
    results: Sequence[CheckResult]
    columns: Mapping[str, Any]
    begins: Outage | None
    ended_at: datetime | None
    """When the check recovered, if it did."""


def story(
    check: Check, tried: Tried, windows: Sequence[MaintenanceWindow], away: Sequence[Away] = ()
) -> Story:
    """What a try makes of a check; `windows` may be of other checks and projects, too.

    `away` are the times of the past in which nobody ran this console's jobs.
    """
    last = tried.answers[-1]
    before = Standing.of(check)
    after = _standing_after(check, before, last)
    lasted = outage_between(before, after)
    if lasted is not None:
        unseen = absences.overlap(away, before.since, last.at)
        last = replace(last, why=recovered(lasted, unseen, last.why))
    is_maintained = any(
        window.project_id == check.project_id and window.covers(check.id, last.at)
        for window in windows
    )
    answers = [(answer, before) for answer in tried.answers[:-1]] + [(last, after)]
    results = [
        replace(_result(check, tried, number, answer), state=standing.state)
        for number, (answer, standing) in enumerate(answers, start=1)
    ]
    return Story(
        check_id=check.id,
        claim=tried.of.claim,
        results=[replace(result, maintenance=is_maintained) for result in results],
        columns=_columns(check, tried, last, after),
        begins=_outage(check, last, is_maintained=is_maintained)
        if after.state is CheckState.DOWN and before.state is not CheckState.DOWN
        else None,
        ended_at=last.at if lasted is not None else None,
    )


def result_id(*of: object) -> str:
    """The key of a result, the same whenever it is recorded again."""
    return blake2b(":".join(map(str, of)).encode(), digest_size=16).hexdigest()


def due_after(due: datetime, interval_seconds: int, now: datetime) -> datetime:
    """The first moment after now that lies whole intervals after a due one."""
    interval = timedelta(seconds=interval_seconds)
    return due + max(1, (now - due) // interval + 1) * interval


def _standing_after(check: Check, before: Standing, answer: Answer) -> Standing:
    if not answer.counts:
        return before
    return before.after(
        answer.outcome,
        answer.at,
        failures_needed=check.failures_needed,
        successes_needed=check.successes_needed,
    )


def _result(check: Check, tried: Tried, number: int, answer: Answer) -> CheckResult:
    certificate_until = answer.certificate_until
    taken = answer.milliseconds
    return CheckResult(
        organization_id=check.organization_id,
        project_id=check.project_id,
        position=-RUN,
        result_id=result_id(check.id, tried.of.due.isoformat(), number),
        check_id=check.id,
        slug=check.slug,
        kind=check.kind,
        environment=check.environment,
        timestamp=answer.at,
        client_timestamp=tried.of.due,
        received_at=clock.now(),  # it may have waited for telemetry, whatever was decided since
        outcome=answer.outcome,
        state=check.state,
        counts=answer.counts,
        seconds=float(check.interval_seconds),
        duration_us=None if taken is None else round(taken * 1000),
        http_status=answer.status,
        why=answer.why[:LONGEST_WHY],
        answered=answer.answered,
        certificate_days=(certificate_until - answer.at) / DAY if certificate_until else None,
        domain_days=check.domain_days,
    )


def _columns(check: Check, tried: Tried, last: Answer, after: Standing) -> Mapping[str, Any]:
    return {
        "state": after.state,
        "since": after.since,
        "failures": after.failures,
        "successes": after.successes,
        "next_due": due_after(tried.of.due, check.interval_seconds, last.at),
        "claim": "",
        "claimed_until": None,
        "last_at": last.at,
        "last_outcome": last.outcome,
        "last_why": last.why[:LONGEST_WHY],
        "certificate_until": last.certificate_until or check.certificate_until,
    }


def _outage(check: Check, answer: Answer, *, is_maintained: bool) -> Outage:
    return Outage(
        organization_id=check.organization_id,
        check_id=check.id,
        began_at=answer.at,
        why=answer.why[:LONGEST_WHY],
        maintenance=is_maintained,
    )
