"""What stands around an incident in a message: its picture, whom it hits, what changed before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import url_for
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from console.accounts import releases
from console.accounts.models import Project
from console.alerting import changes, questions, signal, units
from console.alerting.changes import Changed
from console.alerting.course import course
from console.alerting.definition import Definition
from console.alerting.models import Incident, Rule
from console.channels.message import Fact, Picture
from console.core import patience
from console.core.database_errors import concerns_all
from console.core.db import db
from console.metrics.catalogue import CATALOGUE
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError
from console.telemetry.metric import values
from console.web.charts import Chart, Series, Span, sentence
from console.web.drawing import LIGHT, svg
from console.web.filters import plural
from console.web.png import render_png

WIDTH, HEIGHT = 600, 220
HOURS = timedelta(hours=3)
"""So much of the number's past is in the picture, and the whole of a longer incident."""
LEAST_DRAWN = timedelta(minutes=30)
MOST_DRAWN = 5
"""Members of a group that have a line in its picture."""
MOST_CHANGES = 5
SECONDS = 5.0
"""A question takes no longer: the message goes without its answer."""
COUNTED: Mapping[str, Sequence[str]] = {
    "requests": ("requests.count", "requests.failures"),
    "statements": ("statements.count",),
    "errors": ("errors.users", "errors.events"),
    "issues": ("issues.users", "issues.events"),
    "sessions": ("sessions.count",),
}
"""By the first part of a metric's id, what is counted to say whom an incident hits."""
SAMPLES = {"vitals": "page load"}
"""What such a metric's samples are, where they count whom it hits."""
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a message says beyond its incident's own words; empty where nothing is known."""

    picture: Picture | None = None
    hits: str = ""
    changes: Sequence[Fact] = ()
    gaps: Sequence[str] = ()
    """What could not be asked, because a store did not answer."""

    @property
    def missing(self) -> Sequence[Fact]:
        """That something is missing, where it is, as a message says it."""
        if not self.gaps:
            return []
        names = " and ".join(self.gaps)
        text = f"The console could not read its telemetry: {names} could not be added."
        return [Fact("Missing", text)]


def surroundings(
    project: Project, incident: Incident, rule: Rule | None, definition: Definition | None,
    now: datetime,
) -> Surroundings:  # fmt: skip
    """Look around an incident, inside a request whose address is the console's.

    A store that does not answer holds no message back: it goes without what could not be asked.
    """
    if rule is None or definition is None:
        return Surroundings()
    gaps: list[str] = []
    no_picture: Picture | None = None
    no_changes: list[Fact] = []
    return Surroundings(
        picture=_asked(
            lambda: _picture(project, incident, rule, definition, now),
            no_picture, gaps, "the picture",
        ),
        hits=_asked(lambda: _hits(project, incident, definition, now), "", gaps, "whom it hits"),
        changes=_asked(
            lambda: list(_changes(project, incident, definition)),
            no_changes, gaps, "what changed",
        ),
        gaps=gaps,
    )  # fmt: skip


def _asked(ask: Callable[[], T], nothing: T, gaps: list[str], name: str) -> T:
    """An answer, or nothing where the store does not give one in time: then it is a gap."""
    try:
        with patience.within(SECONDS):
            return ask()
    except (CannotAskError, TelemetryUnavailable, DBAPIError) as error:
        if concerns_all(error):  # the state database is away: the message itself cannot be written
            raise
        log.warning("a message goes without part of its context: %s", type(error).__name__)
    except Exception:  # a fault in a picture holds no message back
        log.exception("a message goes without part of its context")
    gaps.append(name)
    return nothing


def _picture(
    project: Project, incident: Incident, rule: Rule, definition: Definition, now: datetime
) -> Picture | None:
    """The number of the incident's series over the last hours, as its page draws it."""
    until = min(now, incident.resolved_at + timedelta(minutes=15)) if incident.resolved_at else now
    since = min(until - HOURS, incident.breached_at - timedelta(minutes=30))
    drawn = [
        own.chart
        for value in _series(incident)
        if (own := course(project, rule, since, until, value, definition)) is not None
    ]
    if not drawn:
        return None
    chart = _together(drawn, [value or drawn[0].title for value in _series(incident)])
    span = Span(incident.breached_at, incident.resolved_at or until)
    markers = releases.markers(project, since, until)[:MOST_CHANGES]
    chart = replace(_from_first_number(chart), spans=(span,), markers=markers)
    png = render_png(svg(chart, WIDTH, HEIGHT, LIGHT))
    return Picture(png, sentence(chart), WIDTH, HEIGHT)


def _series(incident: Incident) -> Sequence[str]:
    """The value that an incident is about; of a group, the values of its first members."""
    if not incident.is_group:
        return [incident.value]
    own = select(Incident.value).where(Incident.parent_id == incident.id)
    return db.session.scalars(own.order_by(Incident.opened_at, Incident.id).limit(MOST_DRAWN)).all()


def _together(drawn: Sequence[Chart], names: Sequence[str]) -> Chart:
    """The charts of several series as one, each with its name and hue."""
    first = drawn[0]
    if len(drawn) == 1:
        return first
    lines = [
        Series(name, chart.series[0].values, role=str(place + 1))
        for place, (chart, name) in enumerate(zip(drawn, names, strict=False))
        if len(chart.series[0].values) == len(first.buckets)
    ]
    return replace(first, series=lines)


def _from_first_number(chart: Chart) -> Chart:
    """The chart without the time before its first number: a new rule has a short past."""
    columns = zip(*(series.values for series in chart.series), strict=True)
    first = next((n for n, column in enumerate(columns) if any(v is not None for v in column)), 0)
    first = min(first, max(0, len(chart.buckets) - int(LEAST_DRAWN / chart.grain)))
    lines = [replace(series, values=series.values[first:]) for series in chart.series]
    return replace(chart, buckets=chart.buckets[first:], series=lines)


def _hits(project: Project, incident: Incident, definition: Definition, now: datetime) -> str:
    """Whom it hits, in numbers since the first window that breached; "" where nothing counts it."""
    group = definition.metric.split(".")[0]
    since, until = incident.breached_at - definition.window, incident.resolved_at or now
    scope = questions.scope_of(definition, project, since, max(until, incident.breached_at))
    where: dict[str, Any] = dict(definition.where)
    if definition.by and incident.value:
        where[definition.by] = [incident.value]
    counted = [CATALOGUE[name] for name in COUNTED.get(group, ()) if name in CATALOGUE]
    if counted:
        readings = values(counted, scope, where=where)
        words = [
            units.subject(metric.id, None)(number)
            for metric in counted
            if (number := readings[metric.id].whole.number)
        ]
        return f"{' and '.join(words)} since it began" if words else ""
    if group in SAMPLES:
        metric = signal.metric_of(definition)
        samples = metric.value(scope, where=where).whole.samples
        return f"{plural(samples, SAMPLES[group])} since it began" if samples else ""
    return ""


def _changes(project: Project, incident: Incident, definition: Definition) -> Iterator[Fact]:
    since = incident.breached_at - definition.window - changes.BEFORE
    listed = changes.changes(project, since, incident.opened_at)
    for change in listed[:MOST_CHANGES]:
        minutes = round((incident.breached_at - change.at).total_seconds() / 60)
        before = f"{plural(minutes, 'minute')} before" if minutes > 0 else "as it began"
        yield Fact(before, change.text, _url(project, change))


def _url(project: Project, change: Changed) -> str:
    """The page of what changed."""
    home = {"organization": project.organization.slug, "project": project.slug}
    endpoint, own = {
        "release": ("performance.endpoints", {"release": change.key}),
        "rule": ("alerting.rule", {"rule_id": change.key}),
        "issue": ("errors.issue", {"issue_id": change.key}),
        "setting": ("accounts.monitoring", {}),
    }[change.kind]
    return url_for(endpoint, _external=True, **home, **own)
