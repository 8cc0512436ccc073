"""Incidents of the past beside what a draft would have done: hit, missed, or noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from console.accounts.models import Project
from console.alerting.backtest import Replay
from console.alerting.models import Assessment, Evaluation, Incident, Rule
from console.core import clock
from console.core.db import db
from console.web.filters import duration

MOST_INCIDENTS = 200
WORDS = {
    "hit": "the draft fires, too",
    "missed": "the draft does not fire",
    "noise": "marked as noise, and the draft fires",
    "avoided": "marked as noise, and the draft does not fire",
}
"""What is said of an incident of the past, by its kind."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """An incident, and what the draft makes of it: a key of WORDS."""

    incident: Incident
    kind: str
    since: datetime
    until: datetime

    @property
    def text(self) -> str:
        """What it is called, how long it lasted, and what the draft makes of it."""
        lasted = duration(self.until - self.since)
        return f"{self.incident.title}, {lasted}: {WORDS[self.kind]}"


def past(
    project: Project,
    rule: Rule | None,
    metric: str,
    since: datetime,
    until: datetime,
    replays: Mapping[str, Replay],
) -> list[Assessed]:
    """The incidents of a rule in a time; for a new rule, of all rules about its metric."""
    about = Rule.id == rule.id if rule else Rule.document["metric"].as_string() == metric
    watching = select(Rule.id).where(Rule.project_id == project.id, about)
    own = select(Incident).where(
        Incident.project_id == project.id,
        Incident.rule_id.in_(watching),
        ~Incident.is_group,
        Incident.opened_at > since,
        Incident.opened_at <= until,
    )
    incidents = db.session.scalars(own.order_by(Incident.opened_at).limit(MOST_INCIDENTS)).all()
    return [_assessed(incident, _times_of(incident, replays)) for incident in incidents]


def summary(assessed: Sequence[Assessed]) -> str:
    """How many incidents are of each kind, in words; "" without an incident."""
    kinds = [incident.kind for incident in assessed]
    counts = [f"{kinds.count(kind)} {kind} ({WORDS[kind]})" for kind in WORDS if kind in kinds]
    return f"Incidents in this time: {', '.join(counts)}." if counts else ""


def _times_of(
    incident: Incident, replays: Mapping[str, Replay]
) -> Sequence[tuple[datetime, datetime]]:
    """When the draft fires for the incident's value; for any, where it has none to compare."""
    own = replays.get(incident.value) if incident.value else None
    return list(_times(replays.values() if own is None else [own]))


def _times(replays: Iterable[Replay]) -> Iterator[tuple[datetime, datetime]]:
    for own in replays:
        for episode in own.episodes:
            end = own.until if episode.resolved is None else episode.resolved
            yield datetime.fromtimestamp(episode.opened, UTC), datetime.fromtimestamp(end, UTC)


def _assessed(incident: Incident, fired: Sequence[tuple[datetime, datetime]]) -> Assessed:
    since, until = incident.breached_at, incident.resolved_at or clock.now()
    fires = any(start <= until and end >= since for start, end in fired)
    if incident.assessment is Assessment.NOISE:
        kind = "noise" if fires else "avoided"
    else:
        kind = "hit" if fires else "missed"
    return Assessed(incident, kind, incident.opened_at, until)


def settled_otherwise(rule: Rule | None, since: datetime, until: datetime) -> list[datetime]:
    """The ends of windows whose number was another after late data had come."""
    if rule is None:
        return []
    late = select(Evaluation.at).where(
        Evaluation.rule_id == rule.id,
        Evaluation.at > since,
        Evaluation.at <= until,
        Evaluation.settled_number.is_not(None),
        Evaluation.settled_number != Evaluation.number,
    )
    return list(db.session.scalars(late.distinct().order_by(Evaluation.at).limit(MOST_INCIDENTS)))
