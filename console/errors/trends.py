"""Events over time: the sparklines of the inbox and the charts of errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from console.accounts.models import Project
from console.accounts.queries import monitoring_of
from console.core import clock
from console.errors import metrics, queries
from console.errors.conditions import FEW
from console.errors.models import Category, Issue, Level
from console.errors.queries import Apart, Filter
from console.errors.ranking import ranking
from console.telemetry import error_measures
from console.telemetry import errors as telemetry
from console.telemetry.question import buckets
from console.telemetry.scope import Scope
from console.web import clocks
from console.web.charts import Chart, Series
from console.web.filters import plural
from console.web.timeline import Timeline
from console.web.timerange import Range, aligned, in_words

ROLES = {
    Level.FATAL.value: "6",
    Level.ERROR.value: "bad",
    Level.WARNING.value: "warn",
    Level.INFO.value: "1",
    Level.DEBUG.value: "mute",
}
FORTNIGHT, HALF_DAY = timedelta(days=14), timedelta(hours=12)
TOO_MANY = "; of all issues: those that match are too many to tell apart"


@dataclass(frozen=True, slots=True)
class Trend:
    """The sparklines of a page of issues, all over the range of the page, and what was before."""

    per: str
    counts: Mapping[int, Sequence[int]]
    before: Mapping[int, int] | None
    """The events of the time of the same length before; None if that is not all known."""

    def of(self, issue: Issue) -> Sequence[int]:
        """The events of an issue per bucket."""
        return self.counts[issue.id]

    def role(self, issue: Issue) -> str:
        """The hue of an issue's level, the same on every page."""
        return ROLES[issue.level.value]

    def sentence(self, issue: Issue) -> str:
        """The sparkline in words, for screen readers."""
        counts = self.of(issue)
        return f"{plural(sum(counts), 'event')}, at most {max(counts)} {self.per}"

    def change(self, issue: Issue) -> float | None:
        """By how many percent its events rose; None where there were none to compare with."""
        before = self.before[issue.id] if self.before else 0
        now = sum(self.of(issue))
        return round((now - before) / before * 100, 1) if before else None

    def comparison(self, issue: Issue) -> str:
        """Both counts in words; "" where nothing is known of the time before."""
        if self.before is None:
            return ""
        now, before = plural(sum(self.of(issue)), "event"), self.before[issue.id]
        return f"{now} in this time range, {before:,} in the one before"


def of_issues(project: Project, issues: Sequence[Issue], scope: Scope, shown: Range) -> Trend:
    """The trend of each issue of a page, with half as many bars as its chart."""
    grain = shown.grain * 2
    seconds = int(grain.total_seconds())
    hashes = queries.hashes_of(issues)
    every = [hash_ for group in hashes.values() for hash_ in group]
    counts = telemetry.compared_trends(scope, every, seconds) if every else {}
    nothing = [0] * len(buckets(scope, seconds))
    before = {i: sum(counts[hash_][1] for hash_ in group) for i, group in hashes.items()}
    return Trend(
        f"per {in_words(grain)}",
        {
            issue_id: _sum((counts[hash_][0] for hash_ in group), nothing)
            for issue_id, group in hashes.items()
        },
        before if is_known(project, scope.before()) else None,
    )


def is_known(project: Project, scope: Scope) -> bool:
    """Whether all events of this time are there: some are older, and none was deleted for age."""
    kept = timedelta(days=monitoring_of(project).retention_days)
    return scope.since >= clock.now() - kept and queries.saw_before(project, scope.since)


def events_before(
    project: Project, issues: Sequence[Issue], scope: Scope
) -> Mapping[int, int | None]:
    """The events of each issue in the time of the same length before; None if not all known."""
    earlier, hashes = scope.before(), queries.hashes_of(issues)
    if not is_known(project, earlier):
        return dict.fromkeys(hashes)
    every = [hash_ for group in hashes.values() for hash_ in group]
    counts = telemetry.totals_by_group(earlier, every, exact=False) if every else {}
    return {i: sum(counts[h].events for h in group if h in counts) for i, group in hashes.items()}


def of_issue(issue: Issue, hashes: Sequence[str], scope: Scope, line: Timeline) -> Chart:
    """The events of one issue over the time range of the page, with its counterpart."""

    def events(of: Scope) -> list[int]:
        counts = telemetry.issue_trends(of, hashes, line.seconds)
        return _sum(counts.values(), [0] * len(line.buckets))

    series = [
        Series("Events", events(scope), "bar", ROLES[issue.level.value]),
        *line.compared(scope, events),
    ]
    groups = error_measures.of_issue(hashes)["group"]
    watch = {"metric": metrics.ISSUE_EVENTS.id, "where.group": groups}
    return line.chart("Events", series, unit="events", watch={} if scope.facts else watch)


def of_project(project: Project) -> list[int]:
    """All errors of a project per half day of the last fortnight."""
    until = clock.now()
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=aligned(until - FORTNIGHT, HALF_DAY, clocks.offset(until)) + HALF_DAY,
        until=until,
    )
    seconds = int(HALF_DAY.total_seconds())
    counts = telemetry.volume(scope, seconds, category=Category.ERROR.value)
    return _sum(counts.values(), [0] * len(buckets(scope, seconds)))


def volume_chart(project: Project, by: Filter, scope: Scope, shown: Range) -> Chart:
    """The events of all issues that match, by level, with their counterpart."""
    line = Timeline.of(project, shown)
    nothing = [0] * len(line.buckets)
    few = _apart(project, by, scope)
    ask = partial(
        telemetry.volume,
        seconds=line.seconds,
        of=few.hashes if few and few.matching else None,
        without=few.hashes if few and not few.matching else (),
    )
    counts = ask(scope)
    levels = [level.value for level in Level if any(counts.get(level.value, ()))]
    series = [
        Series(level.capitalize(), counts.get(level) or nothing, "bar", ROLES[level])
        for level in levels or [Level.ERROR.value]
    ]
    compared = line.compared(scope, lambda then: _sum(ask(then).values(), nothing))
    subtitle = f"by level, {line.per}{TOO_MANY if few is None else ''}"
    return line.chart(
        "Events",
        [*series, *compared],
        subtitle=subtitle,
        unit="events",
        watch={"metric": metrics.ISSUE_EVENTS.id},
    )


def _apart(project: Project, by: Filter, scope: Scope) -> Apart | None:
    """The grouping hashes of the issues that match, or of all others, if either are few."""
    if not by.search.counts:
        return queries.separated(project, by)
    ranked = ranking(project, by, scope, need=FEW + 1)
    hashes = [hash_ for row in ranked.rows for hash_ in row.candidate.hashes]
    return Apart(hashes, matching=True) if len(hashes) <= FEW and ranked.complete else None


def _sum(series: Iterable[Sequence[int]], nothing: Sequence[int]) -> list[int]:
    return [sum(column) for column in zip(nothing, *series, strict=True)]
