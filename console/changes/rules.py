"""The daily rules: which numbers are compared with the days before, and what counts as a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Literal

from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Metric

Way = Literal["up", "down", "both"]


class Kind(StrEnum):
    """What a daily rule is about; pages filter by it."""

    ENDPOINT = "endpoint"
    PAGE = "page"
    ISSUE = "issue"
    CHECK = "check"
    PROJECT = "project"


class Base(StrEnum):
    """The days that a day is compared with."""

    DAYS = "days"
    """The seven before it: latency and errors hardly depend on the day of the week."""
    WEEKDAYS = "weekdays"
    """The same day of the four weeks before it: traffic of a Sunday is no loss against Friday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRule:
    """A number of the catalogue for each value of a dimension, and when it counts as changed.

    It has changed where the larger of both sides reaches `floor`, and they differ by `difference`
    and by `percent` of the days before, each day with `least` samples. A change that no day before
    reached either is none: `judged.py`.
    """

    id: str
    kind: Kind
    metric_id: str
    by: str = ""
    """The dimension whose values are the subjects; "" for the project as a whole."""
    whole: str = ""
    """What is said of the project as a whole: "All requests"."""
    up: str
    down: str
    """What the subject did where its number rose or fell, as a sentence goes on: "got slower"."""
    noun: str
    """What the number is called in a sentence."""
    way: Way = "both"
    floor: float = 0.0
    difference: float
    percent: float = 0.0
    least: int = 0
    hits_id: str = ""
    """The metric that says how many people or requests it concerns; "" for the samples."""
    weight: float = 1.0
    """How much a hit counts beside a hit of another rule; a whole counts less than its parts."""
    base: Base = Base.DAYS
    everywhere: bool = False
    """Whether it is asked for all environments together."""

    @property
    def metric(self) -> Metric:
        """The number that it compares."""
        return CATALOGUE[self.metric_id]

    @property
    def hits(self) -> Metric | None:
        """The number of those whom it concerns."""
        return CATALOGUE[self.hits_id] if self.hits_id else None

    def is_better(self, way: int) -> bool | None:
        """Whether it is good that the number rose (1) or fell (-1); None if it is neither."""
        good = {"higher": 1, "lower": -1}.get(self.metric.better)
        return None if good is None else way == good

    def verb(self, way: int) -> str:
        """What its subject did, as a sentence goes on after the subject."""
        return self.up if way > 0 else self.down

    def relative(self, before: float, now: float) -> float:
        """How far it moved, as a part of what it was; infinite from nothing.

        A share that should be high is taken by what it lacks: from 99.9 to 99 % that is ten times.
        """
        if self.metric.format == "share" and self.metric.better == "higher":
            before, now = 1.0 - before, 1.0 - now
        if before <= 0:
            return float("inf") if now > before else 0.0
        return abs(now - before) / before


_of_endpoints = partial(
    DailyRule, kind=Kind.ENDPOINT, by="endpoint", hits_id="requests.count", least=50
)
_of_pages = partial(DailyRule, kind=Kind.PAGE, by="page", least=50)
_of_checks = partial(DailyRule, kind=Kind.CHECK, by="check", least=24, everywhere=True)
_of_requests = partial(
    DailyRule, kind=Kind.PROJECT, whole="All requests", hits_id="requests.count", least=200
)

RULES: tuple[DailyRule, ...] = (
    _of_endpoints(
        id="endpoint-latency", metric_id="requests.p95", up="got slower", down="got faster",
        noun="P95", floor=100, difference=50, percent=0.2,
    ),
    _of_endpoints(
        id="endpoint-errors", metric_id="requests.error_rate", up="failed more often",
        down="failed less often", noun="error rate", floor=0.01, difference=0.01, percent=0.5,
        weight=3.0,
    ),
    _of_endpoints(
        id="endpoint-traffic", metric_id="requests.count", up="got more requests",
        down="got fewer requests", noun="requests a day", floor=200, difference=100, percent=0.5,
        least=0, weight=0.3, base=Base.WEEKDAYS,
    ),
    _of_pages(
        id="page-lcp", metric_id="vitals.lcp", up="showed its content later",
        down="showed its content sooner", noun="LCP P75", floor=1_200, difference=200,
        percent=0.15,
    ),
    _of_pages(
        id="page-inp", metric_id="vitals.inp", up="reacted slower", down="reacted faster",
        noun="INP P75", floor=100, difference=40, percent=0.2,
    ),
    _of_pages(
        id="page-cls", metric_id="vitals.cls", up="shifted more", down="shifted less",
        noun="CLS P75", floor=0.05, difference=0.03, percent=0.25,
    ),
    DailyRule(
        id="issue-events", kind=Kind.ISSUE, by="issue", metric_id="errors.events",
        up="came more often", down="came less often", noun="events a day", way="up", floor=20,
        difference=20, percent=1.0, hits_id="errors.users", weight=3.0,
    ),
    _of_checks(
        id="check-latency", metric_id="checks.response_time", up="answered slower",
        down="answered faster", noun="response time P95", floor=200, difference=100, percent=0.25,
    ),
    _of_checks(
        id="check-uptime", metric_id="checks.uptime", up="was up more", down="was down more",
        noun="uptime", difference=0.005, percent=0.5, weight=3.0,
    ),
    _of_requests(
        id="project-errors", metric_id="requests.error_rate", up="failed more often",
        down="failed less often", noun="error rate", floor=0.01, difference=0.01, percent=0.5,
        weight=0.2,
    ),
    _of_requests(
        id="project-apdex", metric_id="requests.apdex", up="satisfied more people",
        down="satisfied fewer people", noun="Apdex", difference=0.05, percent=0.05, weight=0.2,
    ),
    DailyRule(
        id="project-crash-free", kind=Kind.PROJECT, metric_id="sessions.crash_free",
        whole="Sessions", up="crashed less", down="crashed more", noun="crash-free sessions",
        difference=0.005, percent=0.5, least=100, hits_id="sessions.count", weight=3.0,
    ),
)  # fmt: skip
BY_ID: Mapping[str, DailyRule] = {rule.id: rule for rule in RULES}
KINDS: Mapping[Kind, str] = {
    Kind.ENDPOINT: "Endpoints",
    Kind.PAGE: "Pages",
    Kind.ISSUE: "Issues",
    Kind.CHECK: "Checks",
    Kind.PROJECT: "The whole project",
}
"""The kinds in words, in the order of lists."""
MOST_SUBJECTS = 200
"""So many values of a dimension are compared: the ones with most rows."""


def together() -> Sequence[Sequence[DailyRule]]:
    """The rules in groups that one statement answers: of the same rows by the same dimension."""
    groups: dict[tuple[int, str, bool], list[DailyRule]] = {}
    for rule in RULES:
        key = id(rule.metric.measured.source), rule.by, rule.everywhere
        groups.setdefault(key, []).append(rule)
    return list(groups.values())
