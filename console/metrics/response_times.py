"""How fast incidents were noticed, and how fast people, not machines, answered them: pure.

Pages, rules and scripts take their figures from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor

LEAST_FOR_P90 = 5
"""With fewer samples, the ninetieth percentile is no more than the largest."""
PAGERDUTY = "pagerduty"
"""Where somebody answers whom the console does not know, but who is a person."""
Clock = Callable[[datetime, datetime], float]
"""The seconds that count between two moments."""


@dataclass(slots=True)  # a frozen one takes twice as long to make, and thousands are made
class Response:
    """The moments of one incident that say how fast it was answered, as the query has them."""

    id: int
    project_id: int
    rule_id: int | None
    severity: str
    policy: str
    """The name of the policy by which people were notified; "" if nobody was."""
    is_member: bool
    """It belongs to a group, which speaks for it."""
    breached_at: datetime
    opened_at: datetime
    noticed_at: datetime | None
    notified_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by_id: int | None
    acknowledged_via: str
    resolved_at: datetime | None
    resolved_by_id: int | None
    resolved_via: str
    closed_by_hand: bool

    @property
    def answered_at(self) -> datetime | None:
        """When a person acknowledged it, or resolved it without that; None if none did."""
        if self.acknowledged_at is not None:
            return self.acknowledged_at
        by_person = self.resolved_by_id is not None or self.resolved_via == PAGERDUTY
        return self.resolved_at if by_person else None

    @property
    def is_answered_in_pagerduty(self) -> bool:
        """Whether the answer came from there: no member's own, whatever name it bears."""
        via = self.resolved_via if self.acknowledged_at is None else self.acknowledged_via
        return via == PAGERDUTY and self.answered_at is not None

    @property
    def answered_by_id(self) -> int | None:
        """The member who answered it; None if nobody did, the person is gone, or it is not sure."""
        if self.is_answered_in_pagerduty:
            return None
        return self.resolved_by_id if self.acknowledged_at is None else self.acknowledged_by_id

    @property
    def is_self_healed(self) -> bool:
        """Whether it ended without anybody: no answer, and nobody closed it."""
        return self.resolved_at is not None and not self.closed_by_hand and self.answered_at is None

    @property
    def is_closed_by_script(self) -> bool:
        """Whether it was closed without a person: scripts give no answer."""
        return self.resolved_at is not None and self.closed_by_hand and self.answered_at is None

    @property
    def is_unanswered(self) -> bool:
        """Whether it is open, and no person has answered."""
        return self.resolved_at is None and self.answered_at is None


@dataclass(frozen=True, slots=True)
class Time:
    """One of the times that an incident takes: between which of its moments."""

    name: str
    title: str
    explanation: str
    since: Callable[[Response], datetime | None]
    until: Callable[[Response], datetime | None]

    def of(self, response: Response, clock: Clock | None = None) -> float | None:
        """Its seconds, of a clock that may count only some hours; None where it has no end yet.

        None as well where it lies outside these hours: nobody was at work to be fast or slow.
        """
        since, until = self.since(response), self.until(response)
        if since is None or until is None:
            return None
        if until <= since:
            return 0.0
        return (clock or wall)(since, until) or None


def wall(since: datetime, until: datetime) -> float:
    """All the seconds between two moments."""
    return (until - since).total_seconds()


def _noticed_at(response: Response) -> datetime:
    return response.noticed_at or response.opened_at


DETECT = Time(
    "detect",
    "Time to detect",
    "From the end of the first window that breached until the console opened the incident:"
    " the pending time, and the wait for the window's data.",
    lambda response: response.breached_at,
    _noticed_at,
)
NOTIFY = Time(
    "notify",
    "Time to notify",
    "From then until a channel took the first message over.",
    _noticed_at,
    lambda response: response.notified_at,
)
ACKNOWLEDGE = Time(
    "acknowledge",
    "Time to acknowledge",
    "From the beginning of the incident until a person acknowledged it, or resolved it without"
    " that. What scripts do and what heals by itself is no answer.",
    lambda response: response.opened_at,
    lambda response: response.answered_at,
)
RESOLVE = Time(
    "resolve",
    "Time to resolve",
    "From the beginning of the incident to its end, without incidents that healed by themselves.",
    lambda response: response.opened_at,
    lambda response: None if response.is_self_healed else response.resolved_at,
)
HEAL = Time(
    "heal",
    "Time to heal",
    "From the beginning to the end of incidents that healed before anybody answered.",
    lambda response: response.opened_at,
    lambda response: response.resolved_at if response.is_self_healed else None,
)
TIMES = (DETECT, NOTIFY, ACKNOWLEDGE, RESOLVE, HEAL)
BY_PEOPLE = frozenset({ACKNOWLEDGE, RESOLVE})
"""The times that people take: only these may be counted in working hours."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A time of several incidents in seconds; None where there are too few of them."""

    count: int
    median: float | None
    p90: float | None
    mean: float | None


def seconds(
    responses: Iterable[Response], time: Time, clock: Clock | None = None
) -> Sequence[float]:
    """A time of each incident that has it."""
    lengths = (time.of(response, clock) for response in responses)
    return [value for value in lengths if value is not None]


def summary(values: Sequence[float]) -> Summary:
    """Median, ninetieth percentile and mean of seconds."""
    if not values:
        return Summary(0, None, None, None)
    return Summary(
        len(values),
        quantile(values, 0.5),
        quantile(values, 0.9) if len(values) >= LEAST_FOR_P90 else None,
        sum(values) / len(values),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Between the two nearest ranks, as the percentiles of requests are."""
    ordered, place = sorted(values), (len(values) - 1) * share
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))
