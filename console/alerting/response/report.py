"""The figures of a page of response times, made of the incidents of its time: pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.alerting.response.fates import FATES, fate_of
from console.metrics.response_times import (
    ACKNOWLEDGE,
    BY_PEOPLE,
    RESOLVE,
    TIMES,
    Clock,
    Response,
    Summary,
    Time,
    seconds,
    summary,
)
from console.web.charts import Chart, Series

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the figures do not count, and what they count on through."""

    members: int = 0
    """Incidents of groups: the group stands for them."""
    shadow: int = 0
    snoozed: int = 0
    snoozed_for: timedelta = timedelta(0)
    outside: int = 0
    """Answers that came outside the working hours in which people's times are counted."""


@dataclass(frozen=True, slots=True)
class TimeFigure:
    """A time over all incidents, and how it changed, in percent of the compared median."""

    time: Time
    summary: Summary
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """The incidents of one week, as far as it lies in the time that is shown."""

    since: datetime
    until: datetime
    count: int
    healed: int
    acknowledge: Summary
    resolve: Summary

    @property
    def first_day(self) -> str:
        """What the list of its incidents is asked by."""
        return self.since.date().isoformat()


@dataclass(frozen=True, slots=True)
class Share:
    """The incidents of one rule, policy, severity, project or member."""

    key: str
    name: str
    count: int
    healed: int
    acknowledge: Summary
    resolve: Summary


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page of response times shows."""

    opened: int
    fates: Mapping[str, int]
    figures: Sequence[TimeFigure]
    weeks: Sequence[Week]
    shares: Sequence[Share]
    until: datetime
    """Up to when incidents are counted."""
    left_out: LeftOut = field(default_factory=LeftOut)

    def chart(self, evidence: Callable[..., str]) -> Chart:
        """The medians of each week, in minutes; `evidence` gives the address of its incidents."""
        return Chart(
            title="Median per week",
            subtitle="min, by the week in which incidents were opened",
            unit="min",
            buckets=[week.since for week in self.weeks],
            grain=WEEK,
            series=[
                Series("Time to acknowledge", _minutes(w.acknowledge for w in self.weeks), "line"),
                Series("Time to resolve", _minutes(w.resolve for w in self.weeks), "line", "2"),
            ],
            complete_until=self.until,
            links=[evidence(week=week.first_day) if week.count else "" for week in self.weeks],
            watch={"metric": "incidents.time_to_acknowledge"},
        ).with_one_unit()


def report(
    responses: Sequence[Response],
    weeks: Sequence[tuple[datetime, datetime]],
    shares: Sequence[tuple[str, str, Sequence[Response]]],
    clock: Clock | None,
    until: datetime,
    before: Sequence[Response] = (),
    left_out: LeftOut | None = None,
) -> Report:
    """The figures of incidents; `weeks` are bounds, `shares` the parts of a breakdown.

    `before` are the incidents of the time that the page compares with.
    """
    fates = Counter(map(fate_of, responses))
    return Report(
        opened=len(responses),
        fates={name: fates[name] for name in FATES},
        figures=[_figure(responses, before, time, clock) for time in TIMES],
        weeks=_weeks(responses, weeks, clock),
        shares=sorted(
            (_share(key, name, part, clock) for key, name, part in shares if part),
            key=lambda share: (-share.count, share.name),
        ),
        until=until,
        left_out=left_out or LeftOut(),
    )


def apart(
    responses: Sequence[Response], key_of: Callable[[Response], str | None]
) -> Mapping[str, Sequence[Response]]:
    """The incidents by a key; those without one are in no part."""
    parts: dict[str, list[Response]] = {}
    for response in responses:
        key = key_of(response)
        if key is not None:
            parts.setdefault(key, []).append(response)
    return parts


def taken(responses: Sequence[Response], time: Time, clock: Clock | None) -> Summary:
    """A time of some incidents; machines are at work at all hours."""
    return summary(seconds(responses, time, clock if time in BY_PEOPLE else None))


def _figure(
    responses: Sequence[Response], before: Sequence[Response], time: Time, clock: Clock | None
) -> TimeFigure:
    now, then = taken(responses, time, clock), taken(before, time, clock)
    change = None
    if now.median is not None and then.median:
        change = round((now.median - then.median) / then.median * 100, 1)
    return TimeFigure(time, now, change)


def _weeks(
    responses: Sequence[Response], bounds: Sequence[tuple[datetime, datetime]], clock: Clock | None
) -> list[Week]:
    """The weeks with their incidents, which come in the order in which they were opened."""
    opened = [response.opened_at for response in responses]
    return [
        _week(
            responses[bisect_left(opened, since) : bisect_left(opened, until)], since, until, clock
        )
        for since, until in bounds
    ]


def _week(own: Sequence[Response], since: datetime, until: datetime, clock: Clock | None) -> Week:
    healed = sum(response.is_self_healed for response in own)
    times = taken(own, ACKNOWLEDGE, clock), taken(own, RESOLVE, clock)
    return Week(since, until, len(own), healed, *times)


def _share(key: str, name: str, own: Sequence[Response], clock: Clock | None) -> Share:
    healed = sum(response.is_self_healed for response in own)
    times = taken(own, ACKNOWLEDGE, clock), taken(own, RESOLVE, clock)
    return Share(key, name, len(own), healed, *times)


def _minutes(summaries: Iterable[Summary]) -> list[float | None]:
    return [None if own.median is None else own.median / 60 for own in summaries]
