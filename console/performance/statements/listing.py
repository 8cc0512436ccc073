"""Statements as the pages show them: their text, what is slow, and what became slower."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from console.accounts import releases
from console.accounts.models import Project
from console.performance.findings.detectors import SLOW_US
from console.performance.latency import Change, change, estimated, ms, outcomes, percentiles, tail
from console.performance.metrics import STATEMENT_COUNT, STATEMENT_P95
from console.performance.statements import text as sql_text
from console.telemetry import statements as telemetry
from console.telemetry.latency import Latency
from console.telemetry.scope import Scope
from console.telemetry.statements import InRelease, Statement, StatementsWanted, Text
from console.telemetry.traces import edge
from console.web.charts import Chart, Threshold
from console.web.histogram import Histogram
from console.web.timeline import Timeline

REGRESSED_FACTOR = 1.5
REGRESSED_US = 5_000
SLOW_MS = SLOW_US // 1000
UNKNOWN = Text("(the text is no longer kept)", "", None)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement in the list, with the change of its P95; None if there were few calls."""

    statement: Statement
    text: Text
    share: float
    """Its share of the time of all calls in the scope, 0 to 1."""
    since_before: Change | None = None

    @property
    def fingerprint(self) -> str:
        return self.statement.fingerprint

    @property
    def usage(self) -> Latency:
        return self.statement.usage

    @property
    def per_request(self) -> float:
        return self.statement.per_request

    @property
    def title(self) -> str:
        return sql_text.shortened(self.text.text)

    @property
    def verb(self) -> str:
        return sql_text.verb(self.text.text)

    @property
    def tables(self) -> tuple[str, ...]:
        return sql_text.tables(self.text.text)

    @property
    def is_slow(self) -> bool:
        """Whether its P95 reaches the duration of a slow query finding."""
        return self.usage.p95 >= SLOW_US

    @property
    def has_regressed(self) -> bool:
        """Whether it is slower than in the time range before."""
        return is_regression(self.since_before)

    @property
    def tone(self) -> str:
        """The hue of its trend."""
        return "bad" if self.is_slow else "warn" if self.has_regressed else "p95"


@dataclass(frozen=True, slots=True)
class StatementSort:
    """An order of the list, highest first."""

    label: str
    key: Callable[[Statement], float]


SORTS = {
    "time": StatementSort("Total time", lambda statement: statement.usage.total_us),
    "calls": StatementSort("Calls", lambda statement: statement.usage.count),
    "per_request": StatementSort("Calls per request", lambda statement: statement.per_request),
    "p95": StatementSort("P95", lambda statement: statement.usage.p95),
    "failed": StatementSort("Failed", lambda statement: statement.usage.failed),
}
KINDS = {"": "Reads and writes", "reads": "Reads", "writes": "Writes"}


@dataclass(frozen=True, slots=True)
class ListedStatements:
    """A page of the statements that match the filters; `total` has all their calls."""

    rows: Sequence[StatementRow]
    total: Statement | None
    count: int
    slow: int
    """How many of them are slow."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statement compared with the time range before, and with the release before."""

    since_before: Change | None
    since_release: Change | None
    newest: str
    former: str
    """The releases that `since_release` compares; "" where there are not two."""

    @property
    def has_regressed(self) -> bool:
        return is_regression(self.since_before) or is_regression(self.since_release)


def is_regression(change: Change | None) -> bool:
    """Whether a statement became slower, and not by chance.

    Its P95 must be at least REGRESSED_FACTOR times what it was and REGRESSED_US more; a `Change`
    is only made of FEW received calls or more on either side.
    """
    return change is not None and (
        change.now >= change.then * REGRESSED_FACTOR and change.now - change.then >= REGRESSED_US
    )


def wanted_of(
    *, text: str = "", kind: str = "", over_ms: int = 0, endpoint: str = ""
) -> StatementsWanted:
    """The filters as a value; a statement that reads and writes is a write."""
    return StatementsWanted(
        text=text,
        matching={"reads": sql_text.READS, "writes": sql_text.WRITES}.get(kind, ""),
        not_matching=sql_text.WRITES if kind == "reads" else "",
        over_us=over_ms * 1000,
        endpoint=endpoint,
    )


def listed(
    scope: Scope,
    wanted: StatementsWanted,
    *,
    sort: str = "time",
    first: int,
    count: int,
    shift: timedelta | None = None,
) -> ListedStatements:
    """`count` statements from the `first` on, each compared with an earlier time range.

    It is `shift` earlier, or else the one of the same length that ends before it.
    """
    matches, total = telemetry.statements(scope, wanted)
    matches.sort(key=SORTS[sort].key, reverse=True)
    shown = matches[first : first + count]
    names = [statement.fingerprint for statement in shown]
    texts = telemetry.texts(scope, names) if names else {}
    tails = telemetry.p95_of(scope.earlier(shift or scope.length), names) if names else {}
    total_us = (total.usage.total_us if total else 0) or 1.0
    rows = [
        StatementRow(
            statement=statement,
            text=texts.get(statement.fingerprint, UNKNOWN),
            share=statement.usage.total_us / total_us,
            since_before=change(tail(statement.usage), tails.get(statement.fingerprint)),
        )
        for statement in shown
    ]
    slow = sum(statement.usage.p95 >= SLOW_US for statement in matches)
    return ListedStatements(rows, total, len(matches), slow)


def statement_row(scope: Scope, fingerprint: str) -> StatementRow | None:
    """One statement as in the list; None if it has no call."""
    statement = telemetry.statement_of(scope, fingerprint)
    if statement is None:
        return None
    tails = telemetry.p95_of(scope.before(), [fingerprint])
    return StatementRow(
        statement=statement,
        text=telemetry.texts(scope, [fingerprint]).get(fingerprint, UNKNOWN),
        share=statement.usage.total_us / (telemetry.total_us(scope) or 1.0),
        since_before=change(tail(statement.usage), tails.get(fingerprint)),
    )


def verdict(
    project: Project, scope: Scope, row: StatementRow, in_releases: Sequence[InRelease]
) -> Verdict:
    """A statement compared with the time range before, and its newest release with the former."""
    names = releases.latest(project, scope.environment)
    newest, former = (names[0], names[1]) if len(names) > 1 else ("", "")
    tails = {release.release: (release.received, release.p95) for release in in_releases}
    since_release = change(tails.get(newest), tails.get(former)) if former else None
    return Verdict(row.since_before, since_release, newest, former)


def charts(line: Timeline, scope: Scope, fingerprint: str) -> tuple[Chart, Chart]:
    """Latency and calls of a statement over time, with the releases that came out meanwhile."""
    latencies = telemetry.moments(scope, line.seconds, fingerprint).latencies
    before = line.compared(
        scope,
        lambda then: [
            ms(moment.p95) if moment else None
            for moment in telemetry.moments(then, line.seconds, fingerprint).latencies
        ],
        f"P95, {line.shown.compared_with.lower()}",
    )
    highest = max((moment.p99 for moment in latencies if moment), default=0)
    latency = line.chart(
        "Latency",
        [*percentiles(latencies), *before],
        subtitle=f"ms, {line.per}",
        unit="ms",
        # A line far above the data would press it flat.
        threshold=Threshold(SLOW_MS, "Slow") if highest * 4 >= SLOW_US else None,
        watch={"metric": STATEMENT_P95.id, "where.statement": fingerprint},
    )
    calls = line.chart(
        "Calls",
        outcomes(latencies),
        subtitle=f"{line.per}{estimated(latencies)}",
        unit="calls",
        watch={"metric": STATEMENT_COUNT.id, "where.statement": fingerprint},
    )
    return latency, calls


def histogram(scope: Scope, row: StatementRow) -> Histogram:
    """The durations of a statement's calls with its percentiles marked."""
    counts = telemetry.durations(scope, row.fingerprint)
    numbers = range(min(counts), max(counts) + 1)
    usage = row.usage
    return Histogram(
        "Durations of the statement",
        edges_us=[edge(number) for number in (*numbers, max(counts) + 1)],
        counts=[round(counts.get(number, 0)) for number in numbers],
        marks={"P50": usage.p50, "P95": usage.p95, "P99": usage.p99},
        noun="call",
    )
