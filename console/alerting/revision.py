"""What late data changes of a rule's decided windows: their numbers, states, and incidents.

What would have fired is opened with its true start. What would not have fired is noted on its
incident, and never closed in silence: somebody was called for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import select

from console.alerting import groups, incidents, signal
from console.alerting.chronicle import write
from console.alerting.composite import FIRING
from console.alerting.condition import Condition, Evaluated, Judgement, Verdict
from console.alerting.decide import Decision, Standing, conclude
from console.alerting.history import HISTORY_KEPT
from console.alerting.incidents import Moved
from console.alerting.models import (
    LONGEST_VALUE,
    LONGEST_WHY,
    Evaluation,
    Incident,
    IncidentVerb,
    Rule,
    RuleSeries,
)
from console.core import clock
from console.core.db import db

LATE = {"late": True}


@dataclass(frozen=True, slots=True)
class Recheck:
    """Windows of a rule that late data has changed, and what the metric says of them now."""

    rule_id: int
    version: int
    position: datetime
    """The end of the last window that was decided."""
    settled: datetime
    """The end of the last window that was looked at again before."""
    until: datetime
    """The end of the last window that is looked at again now."""
    moments: Sequence[datetime]
    """Up to the position where a value may be new: all its windows are."""
    by_value: Mapping[str, Sequence[Evaluated]]
    absent: Sequence[Evaluated]


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a series: what was known of it, and what it says now."""

    row: Evaluation | None
    """None where the series had no data yet."""
    evaluated: Evaluated
    known: Judgement | None
    judged: Judgement

    @property
    def fired(self) -> bool:
        """Whether the series fired after it, as far as was known."""
        return self.row is not None and (self.row.settled_state or self.row.state) in FIRING


def revise(rule: Rule, recheck: Recheck, now: datetime) -> int:
    """Write what late data has changed in the caller's transaction; returns changed incidents."""
    past = _past(rule, recheck)
    asked = {value[:LONGEST_VALUE]: own for value, own in recheck.by_value.items()}
    own = select(RuleSeries).where(RuleSeries.rule_id == rule.id)
    known = {series.value: series for series in db.session.scalars(own)}
    strange = [value for value in asked if value not in known and value not in past]
    beyond = {*strange[max(0, signal.MOST_SERIES - len(known)) :]}
    moved, noted = [], 0
    for value in sorted({*past, *asked} - beyond):
        windows = list(_windows(rule, recheck, past.get(value, ()), asked.get(value)))
        opened, notes = _revise(rule, value, known.get(value), windows, now)
        moved += [opened] if opened is not None else []
        noted += notes
    for move in groups.gather(rule, moved):
        incidents.owe(rule, move, delayed=now - recheck.moments[0])
    return len(moved) + noted


def _past(rule: Rule, recheck: Recheck) -> Mapping[str, Sequence[Evaluation]]:
    """The evaluations that the state at the first changed window depends on, and all since."""
    condition = rule.definition.condition
    memory = condition.pending_seconds + condition.keep_firing_seconds
    memory += condition.interval_seconds * (condition.of + 1)
    since = recheck.moments[0] - min(timedelta(seconds=memory), HISTORY_KEPT)
    own = select(Evaluation).where(Evaluation.rule_id == rule.id, Evaluation.at > since)
    by_value: dict[str, list[Evaluation]] = {}
    for row in db.session.scalars(own.order_by(Evaluation.at)):
        by_value.setdefault(row.value, []).append(row)
    return by_value


def _windows(
    rule: Rule, recheck: Recheck, rows: Sequence[Evaluation], asked: Sequence[Evaluated] | None
) -> Iterator[Window]:
    """The windows of a series in order of time, those that were not evaluated among them.

    Only a value of a breakdown has such: without one, such a window was skipped, and stays so.
    """
    condition, last = rule.definition.condition, recheck.until.timestamp()
    by_time = {row.at.timestamp(): row for row in rows}
    anew = {evaluated.at: evaluated for evaluated in (recheck.absent if asked is None else asked)}
    is_listed = asked is not None and rule.definition.by is not None
    failed_at: datetime | None = None
    for at in sorted(by_time.keys() | anew.keys() if is_listed else by_time.keys()):
        row, evaluated = by_time.get(at), anew.get(at)
        if row is None:
            assert evaluated is not None
            yield Window(None, evaluated, None, condition.judge(evaluated))
        elif evaluated is None or at > last:
            before, known = _as_known(condition, row)
            yield Window(row, replace(before, repeats=failed_at == row.decided_at), known, known)
        else:
            _, known = _as_known(condition, row)
            yield Window(row, evaluated, known, condition.judge(evaluated))
        # Windows that were decided together are of one question, which failed once.
        failed_at = row.decided_at if row and row.verdict is Verdict.ERROR else None


def _as_known(condition: Condition, row: Evaluation) -> tuple[Evaluated, Judgement]:
    """What a row says, with what late data has changed of it already."""
    if row.settled_verdict is not None:
        number = row.settled_number
        words = "no number" if number is None else condition.subject(number)
        judged = Judgement(row.settled_verdict, number, f"late data: {words}")
        return Evaluated(row.at.timestamp(), number), judged
    error = row.why if row.verdict is Verdict.ERROR else ""
    evaluated = Evaluated(row.at.timestamp(), row.number, row.samples, error=error)
    return evaluated, Judgement(row.verdict, row.number, row.why)


def _revise(
    rule: Rule, value: str, series: RuleSeries | None, windows: Sequence[Window], now: datetime
) -> tuple[Moved | None, int]:
    """Note what a series says now; returns what its incident did, and how many notes it got."""
    condition = rule.definition.condition
    before = list(_decided(condition, windows, lambda window: window.known))
    after = list(_decided(condition, windows, lambda window: window.judged))
    differing = [
        place for place, _ in enumerate(windows) if _differs(place, windows, before, after)
    ]
    _store(rule, value, windows, before, after, now)
    if series is None and any(window.row is None for window in windows):
        _begin(rule, value, after[-1].standing)
    notes = 0
    for place in differing:
        if after[place].standing.state in FIRING:
            noted, moved = _open(rule, value, after[place:], now)
            return moved, notes + noted
        if place - 1 not in differing:
            notes += _note(rule, value, windows[place])
    return None, notes


def _decided(
    condition: Condition,
    windows: Sequence[Window],
    judgement_of: Callable[[Window], Judgement | None],
) -> Iterator[Decision]:
    standing = Standing()
    for window in windows:
        judgement = judgement_of(window)
        if judgement is None:
            yield Decision(standing, None)
            continue
        decision = conclude(condition, standing, judgement, window.evaluated)
        standing = decision.standing
        yield decision


def _differs(
    place: int, windows: Sequence[Window], before: Sequence[Decision], after: Sequence[Decision]
) -> bool:
    """Whether a window fires now and did not, or the other way round."""
    fired, fires = (outcome[place].standing.state in FIRING for outcome in (before, after))
    return fired is not fires and windows[place].fired is fired


def _store(
    rule: Rule,
    value: str,
    windows: Sequence[Window],
    before: Sequence[Decision],
    after: Sequence[Decision],
    now: datetime,
) -> None:
    """Keep what the windows say now, beside what was decided."""
    for window, was, is_now in zip(windows, before, after, strict=True):
        row = window.row
        if row is None:
            continue
        if window.judged is not window.known:
            row.settled_number = window.judged.number
            row.settled_verdict = window.judged.verdict
        if was.standing.state is not is_now.standing.state:
            row.settled_state = is_now.standing.state
    standings = [Standing(), *(decision.standing for decision in after)]
    for window, (earlier, standing) in zip(windows, pairwise(standings), strict=True):
        is_quiet = earlier.is_blank and standing.is_blank and not window.evaluated.samples
        if window.row is None and not is_quiet:
            db.session.add(_row(rule, value, window, standing, now))


def _row(rule: Rule, value: str, window: Window, standing: Standing, now: datetime) -> Evaluation:
    """The evaluation of a window whose first data came late."""
    judged = window.judged
    return Evaluation(
        rule_id=rule.id,
        value=value,
        at=datetime.fromtimestamp(window.evaluated.at, UTC),
        version=rule.version,
        number=judged.number,
        samples=window.evaluated.samples,
        base=window.evaluated.base,
        verdict=judged.verdict,
        state=standing.state,
        settled_number=judged.number,
        settled_verdict=judged.verdict,
        settled_state=standing.state,
        why=f"late data: {judged.why}"[:LONGEST_WHY],
        decided_at=now,
        watermark=None,  # it was not decided in its turn, and tells nothing of the rules' lag
    )


def _begin(rule: Rule, value: str, standing: Standing) -> None:
    """Let live evaluation go on with a series that late data began."""
    if not standing.is_blank:
        db.session.add(
            RuleSeries(
                rule_id=rule.id,
                value=value,
                state=standing.state,
                standing=standing.document,
                changed_at=clock.now(),
            )
        )
        db.session.flush()


def _open(
    rule: Rule, value: str, missed: Sequence[Decision], now: datetime
) -> tuple[int, Moved | None]:
    """Open what would have fired, with its true start; the series goes on from there.

    An incident that was opened later gets a note that says so.
    """
    at = datetime.fromtimestamp(missed[0].standing.newest or 0, UTC)
    later = select(Incident).where(
        Incident.rule_id == rule.id, Incident.value == value, Incident.opened_at > at
    )
    incident = db.session.scalar(later.order_by(Incident.opened_at).limit(1))
    if incident is not None:
        incident.breached_at = min(incident.breached_at, at)
        text = f"Late data: it would have fired at {at:%H:%M:%S} UTC already."
        write(incident, IncidentVerb.NOTED, now, text=text, details=LATE)
        return 1, None
    moved = incidents.follow(rule, value, missed)
    if moved is None:
        return 0, None
    for event in moved.events:
        event.details = {**event.details, **LATE}
    moved.incident.why = f"late data: {moved.incident.why}"[:LONGEST_WHY]
    own = select(RuleSeries).where(RuleSeries.rule_id == rule.id, RuleSeries.value == value)
    series = db.session.scalar(own)
    standing = missed[-1].standing
    if series is not None:
        if series.state is not standing.state:
            series.changed_at = clock.now()
        series.state, series.standing = standing.state, standing.document
    return 0, moved


def _note(rule: Rule, value: str, window: Window) -> int:
    """Say on the incident of a window that it would not have fired; returns 1 if there is one."""
    at = datetime.fromtimestamp(window.evaluated.at, UTC)
    own = select(Incident).where(
        Incident.rule_id == rule.id, Incident.value == value, Incident.opened_at <= at
    )
    incident = db.session.scalar(own.order_by(Incident.opened_at.desc()).limit(1))
    if incident is None:
        return 0
    number = window.judged.number
    words = "nothing" if number is None else rule.definition.condition.subject(number)
    text = (
        f"Late data: the window until {at:%H:%M:%S} UTC would not have fired: it says {words} now."
    )
    write(incident, IncidentVerb.NOTED, clock.now(), text=text, details=LATE)
    return 1
