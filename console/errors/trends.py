"""Events over time: the sparklines of the inbox and the charts of errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.accounts import releases
from console.accounts.models import Project
from console.core import clock
from console.errors import queries
from console.errors.models import Issue, Level
from console.telemetry import errors as telemetry
from console.telemetry.question import buckets
from console.telemetry.scope import Scope
from console.web.charts import Chart, Series
from console.web.filters import plural
from console.web.timeline import Timeline
from console.web.timerange import Range, aligned

ROLES = {
    Level.FATAL.value: "6",
    Level.ERROR.value: "bad",
    Level.WARNING.value: "warn",
    Level.INFO.value: "1",
    Level.DEBUG.value: "mute",
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time up to now, and the width of its buckets."""

    label: str
    length: timedelta
    grain: timedelta
    unit: str


DAY = Period("24 h", timedelta(hours=24), timedelta(hours=1), "per hour")
FORTNIGHT = Period("14 d", timedelta(days=14), timedelta(hours=12), "per 12 hours")
PERIODS = {"24h": DAY, "14d": FORTNIGHT}


@dataclass(frozen=True, slots=True)
class Trend:
    """The sparklines of a page of issues, all over the same period."""

    label: str
    counts: Mapping[int, Sequence[int]]

    def of(self, issue: Issue) -> Sequence[int]:
        """The events of an issue per bucket."""
        return self.counts[issue.id]

    def sentence(self, issue: Issue) -> str:
        """What the sparkline says, for those who do not see it."""
        counts = self.of(issue)
        return f"{plural(sum(counts), 'event')} in {self.label}, at most {max(counts)} at a time"


def of_issues(project: Project, issues: Sequence[Issue], shown: Range) -> Trend:
    """The trend of each issue of a page, over 24 hours or 14 days as the page's range suggests."""
    period = DAY if shown.length <= DAY.length else FORTNIGHT
    scope = _scope(project, shown.until, period, environment=shown.environment)
    hashes = queries.hashes_of(issues)
    every = [one for some in hashes.values() for one in some]
    counts = telemetry.issue_trends(scope, every, _seconds(period.grain)) if every else {}
    nothing = [0] * len(buckets(scope, _seconds(period.grain)))
    return Trend(
        period.label,
        {
            issue: _sum((counts.get(one, nothing) for one in some), nothing)
            for issue, some in hashes.items()
        },
    )


def of_issue(
    project: Project, hashes: Sequence[str], period: Period, *, role: str = "bad"
) -> Chart:
    """The events of one issue over a period up to now."""
    scope = _scope(project, clock.now(), period)
    seconds = _seconds(period.grain)
    counts = telemetry.issue_trends(scope, hashes, seconds)
    starts = buckets(scope, seconds)
    return Chart(
        title=f"Last {period.label}",
        subtitle=f"events {period.unit}",
        unit="events",
        buckets=starts,
        grain=period.grain,
        series=(Series("Events", _sum(counts.values(), [0] * len(starts)), "bar", role),),
        complete_until=scope.until,
        markers=releases.markers(project, scope.since, scope.until, scope.environment),
    )


def of_project(project: Project) -> list[int]:
    """All errors of a project per half day of the last fortnight."""
    scope = _scope(project, clock.now(), FORTNIGHT)
    seconds = _seconds(FORTNIGHT.grain)
    counts = telemetry.volume(scope, seconds)
    return _sum(counts.values(), [0] * len(buckets(scope, seconds)))


def volume_chart(project: Project, shown: Range) -> Chart:
    """All errors of a project by level, over the range of the page, and what it is compared to."""
    line, scope = Timeline.of(project, shown), Scope.of(project, shown)
    counts = telemetry.volume(scope, line.seconds)
    nothing = [0] * len(line.buckets)
    found = [level.value for level in Level if any(counts.get(level.value, ()))]
    series = [
        Series(level.capitalize(), counts.get(level) or nothing, "bar", ROLES[level])
        for level in found or [Level.ERROR.value]
    ]
    compared = line.compared(
        scope, lambda then: _sum(telemetry.volume(then, line.seconds).values(), nothing)
    )
    return line.chart(
        "Error events", [*series, *compared], subtitle=f"by level, {line.per}", unit="events"
    )


def _scope(project: Project, until: datetime, period: Period, *, environment: str = "") -> Scope:
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=aligned(until - period.length, period.grain) + period.grain,
        until=until,
        environment=environment,
    )


def _sum(series: Iterable[Sequence[int]], nothing: Sequence[int]) -> list[int]:
    return [sum(column) for column in zip(nothing, *series, strict=True)]


def _seconds(grain: timedelta) -> int:
    return int(grain.total_seconds())
