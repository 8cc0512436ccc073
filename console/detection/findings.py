"""Detection: the findings in finished segments become events of issues, each of them once.

A run reads the spans that came since the last one, except the last seconds, whose segments may not
be finished. It commits three times, as the digest does: (1) state: the issues that
its events need, and what the run covers; (2) telemetry: the events, whose position is minus the
run's number; (3) state: counters, what was examined, fixes, and the position that it has come to.

A crash between these leads to a repetition of the same run over the same spans: it finds the same
events by the same ids, stores what is not stored, and counts exactly those that telemetry has from
this run. Late spans bring their segment into a later run. What that run finds again has the id that
it had, and its stored row is of the earlier run: it is neither stored nor counted twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from console.accounts.models import Project
from console.core import clock
from console.core.db import db, reading
from console.detection import fixes
from console.detection.finding_events import event_of
from console.detection.fixes import Tally
from console.detection.models import DetectionPosition
from console.errors.changes import Change, happened
from console.errors.counting import count_in, ensure_issues, until_counted
from console.errors.grouping import Grouping
from console.errors.models import ChangeKind
from console.ingest.models import DigestPosition
from console.performance.findings import detectors
from console.performance.findings.detectors import CALLS, GAP_US, SLOW_US
from console.performance.findings.n_plus_one import LOOK_UPS
from console.telemetry import kinds, segments
from console.telemetry.records import ErrorEvent, Key
from console.telemetry.scope import Scope
from console.telemetry.segments import Examined, SegmentKey, Suspicion, Window
from console.telemetry.spans import SpanRow
from console.telemetry.store import TelemetryStore, current

QUIET = timedelta(seconds=5)  # Python's client flushes as often
MOST_WAITING = 200_000  # spans of a project that one run looks at: 20,000 per second and run
# Three requests of an endpoint per run prove what is wrong with it; thousands would say no more.
SUSPICION = Suspicion(repeats=min(LOOK_UPS, CALLS), slow_us=SLOW_US, long_us=GAP_US, per_group=3)
OLDEST = timedelta(days=7)  # spans that began before are stored, but no longer looked at
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run covers: spans after one position and up to another; `horizon` was the last."""

    number: int
    after: int
    upto: int
    horizon: int


@dataclass(slots=True)
class ProjectFindings:
    """What a run came to in one project."""

    project_id: int
    events: list[tuple[Grouping, ErrorEvent]] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Detected:
    """What a run came to; `left_out` are suspicious segments beyond those that were read."""

    requests: int = 0
    events: int = 0
    left_out: int = 0
    fixed: int = 0


def find(organization_id: int) -> Mapping[str, int]:
    """Look at the requests that finished since the last time, and open issues for findings."""
    if not current().holds(organization_id):
        return {}
    run = detect(current(), organization_id)
    return {
        "requests": run.requests,
        "findings": run.events,
        "fixed": run.fixed,
        "suspicious left out": run.left_out,
    }


def detect(store: TelemetryStore, organization_id: int) -> Detected:
    """One run over an organization, whose Session the caller has entered.

    Raises TelemetryUnavailable when only a retry can help; the next run is then this one again.
    """
    with reading():
        project_ids = list(db.session.scalars(select(Project.id).order_by(Project.id)))
        before = db.session.scalar(select(DetectionPosition))
        number, after = (before.run + 1, before.position) if before else (1, 0)
        run = _present_run(before)
        horizon = db.session.scalar(select(DigestPosition.position)) or 0
        db.session.rollback()  # looking takes a while: hold no transaction meanwhile
    scopes = [_scope(organization_id, project_id) for project_id in project_ids]
    if run is None and horizon > after:
        run = Run(number, after, _end(scopes, after, horizon), horizon)
    if run is None or run.upto <= run.after:
        return Detected()
    projects = [_examine(scope, run) for scope in scopes]
    return until_counted(partial(_commit, store, organization_id, run, projects))


def _present_run(position: DetectionPosition | None) -> Run | None:
    """The run that was begun and not finished."""
    if position is None or position.planned is None or position.horizon is None:
        return None
    return Run(position.run + 1, position.position, position.planned, position.horizon)


def _end(scopes: Sequence[Scope], after: int, horizon: int) -> int:
    """Up to where to look: at spans of no less than some seconds ago, and not at too many."""
    upto, quiet_since = horizon, clock.now() - QUIET
    for scope in scopes:
        waiting = segments.waiting(scope, after, horizon, quiet_since)
        if waiting is None:
            continue
        if waiting.fresh_from is not None:
            upto = min(upto, waiting.fresh_from - 1)
        if waiting.spans > MOST_WAITING:
            upto = min(upto, segments.end_of(scope, after, horizon, MOST_WAITING))
    return upto


def _examine(scope: Scope, run: Run) -> ProjectFindings:
    project = ProjectFindings(scope.project_id)
    waiting = segments.waiting(scope, run.after, run.upto, clock.now())
    if waiting is None:
        return project
    window = Window(run.after, run.upto, run.horizon, waiting.since)
    groups = segments.examined(scope, window, SUSPICION)
    rows = _rows(scope, window, [key for group in groups for key in group.suspicious])
    for group in groups:
        project.events += _events(scope, run, group, rows)
        project.left_out += group.left_out
        if group.endpoint:
            project.tallies.append(_tally(group))
    return project


def _events(
    scope: Scope, run: Run, group: Examined, rows: Mapping[SegmentKey, Sequence[SpanRow]]
) -> list[tuple[Grouping, ErrorEvent]]:
    return [
        event_of(finding, rows[key], scope, position=-run.number)
        for key in group.suspicious
        for finding in detectors.find(rows[key])
    ]


def _rows(
    scope: Scope, window: Window, keys: Sequence[SegmentKey]
) -> dict[SegmentKey, list[SpanRow]]:
    """The spans of segments: of recent ones in one go, of those that began long ago in another."""
    recent = window.since - 2 * segments.EARLIER
    rows: dict[SegmentKey, list[SpanRow]] = {}
    for among in (
        [key for key in keys if key.began >= recent],
        [key for key in keys if key.began < recent],
    ):
        if among:
            since = min(key.began for key in among) - timedelta(hours=among[0].began < recent)
            narrow = Scope(
                organization_id=scope.organization_id,
                project_id=scope.project_id,
                since=max(since, scope.since),
                until=scope.until,
            )
            rows |= segments.spans_of(narrow, among)
    return rows


def _tally(group: Examined) -> Tally:
    read = sum(key.is_new for key in group.suspicious)
    return Tally(
        endpoint=group.endpoint or "",
        environment=group.environment,
        release=group.release,
        traces=group.clean + read,
        first_at=group.first_at,
        last_at=group.last_at,
    )


def _commit(
    store: TelemetryStore, organization_id: int, run: Run, projects: Sequence[ProjectFindings]
) -> Detected:
    """The three commits."""
    issues = {
        (project.project_id, hash_): issue_id
        for project in projects
        if project.events
        for hash_, issue_id in ensure_issues(project.project_id, project.events).items()
    }
    events = [event for project in projects for _, event in project.events]
    stored: frozenset[Key] = frozenset()
    if events:
        _plan(organization_id, run)
        db.session.commit()
        stored = store.write_own(organization_id, events, run.number).of(kinds.ERRORS.name)
    position = _position(organization_id)
    if position.run != run.number - 1:  # another process has made this run meanwhile
        db.session.rollback()
        return Detected()
    fixed = _count(projects, issues, stored)
    position.run, position.position = run.number, run.upto
    position.planned = position.horizon = None
    db.session.commit()
    return Detected(
        requests=sum(tally.traces for project in projects for tally in project.tallies),
        events=len(stored),
        left_out=sum(project.left_out for project in projects),
        fixed=fixed,
    )


def _count(
    projects: Sequence[ProjectFindings],
    issues: Mapping[tuple[int, str], int],
    stored: frozenset[Key],
) -> int:
    """Add to commit (3) what telemetry has from this run, and what is fixed; return how many."""
    changes: list[Change] = []
    for project in projects:
        mine = {event.event_id: (grouping.hash, event) for grouping, event in project.events}
        arrived = [
            (issues[project.project_id, hash_], event)
            for event_id, (hash_, event) in mine.items()
            if (project.project_id, event_id) in stored
        ]
        if arrived:
            changes += count_in(project.project_id, arrived)
        if project.tallies:
            fixes.examined(project.project_id, project.tallies)
            changes += fixes.mark(project.project_id, {tally.endpoint for tally in project.tallies})
    happened(changes)
    return sum(change.kind is ChangeKind.FIXED for change in changes)


def _plan(organization_id: int, run: Run) -> None:
    position = _position(organization_id)
    position.planned, position.horizon = run.upto, run.horizon


def _position(organization_id: int) -> DetectionPosition:
    """The organization's position, held until the transaction ends."""
    position = db.session.scalar(select(DetectionPosition).with_for_update())
    if position is None:
        position = DetectionPosition(organization_id=organization_id, run=0, position=0)
        db.session.add(position)
        db.session.flush()
    return position


def _scope(organization_id: int, project_id: int) -> Scope:
    now: datetime = clock.now()
    return Scope(
        organization_id=organization_id,
        project_id=project_id,
        since=now - OLDEST,
        until=now + AHEAD,
    )
