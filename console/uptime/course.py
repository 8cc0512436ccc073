"""What becomes of a job's check as time passes and words come: pure, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from console.core import clock
from console.core.absences import Away, overlap, touching
from console.telemetry.records import CheckOutcome, CheckResult
from console.uptime.check_in import IN_PROGRESS, LATEST, OK
from console.uptime.expectation import EARLY, Expectation, spelled
from console.uptime.models import LONGEST_WHY, Check, CheckKind, CheckState, WaitingCheckIn
from console.uptime.results import RUN, result_id
from console.uptime.standing import Standing, outage_between, recovered

MOST_MISSED = 20
"""So many missed times are recorded at once; of older ones, the console was not there."""
LATE = timedelta(minutes=5)
"""So long after a run's end, other words about it are late, or repeated."""
MOST_RUNS = 200
"""So many runs of a check are known that are open, and so many that ended; others are heard of."""
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Began:
    """A check went down."""

    at: datetime
    why: str


@dataclass(slots=True, kw_only=True)
class Course:
    """A check while words are taken in; `results` and `turns` are what came of them."""

    check: Check
    expected: Expectation
    runs: dict[str, datetime]
    """When each open run began."""
    maintained: Callable[[datetime], bool]
    standing: Standing
    deadline: datetime | None
    ended: dict[str, datetime] = field(default_factory=dict)
    """When each run ended that ended a short while ago."""
    absences: Sequence[Away] = ()
    """When the console was away: what the job said then was not heard."""
    release: str = ""
    results: list[CheckResult] = field(default_factory=list)
    turns: list[Began | datetime] = field(default_factory=list)
    """The outages that began, and when they ended."""

    @classmethod
    def of(
        cls,
        check: Check,
        runs: Mapping[str, datetime],
        maintained: Callable[[datetime], bool],
        absences: Sequence[Away] = (),
    ) -> Course:
        """A check as it is stored."""
        return cls(
            check=check,
            expected=Expectation.of(check.settings),
            runs=dict(runs),
            maintained=maintained,
            standing=Standing.of(check),
            deadline=check.next_due,
            absences=absences,
        )

    def hear(self, word: WaitingCheckIn) -> None:
        """Take in what the job said, after what time has brought until then."""
        self.pass_until(word.at)
        if self._is_late(word):
            return
        self.release = word.release
        if word.status == IN_PROGRESS:
            if word.run in self.runs or len(self.runs) < MOST_RUNS:
                self.runs[word.run] = word.at
            self.deadline = self.expected.deadline_after(word.at)
            return
        began = self._ended(word.run, word.at)
        if began is None:
            self.deadline = self.expected.deadline_after(word.at)
        taken = word.duration_ms
        if taken is None and began is not None:
            taken = (word.at - began) // _MILLISECOND
        if word.status == OK:
            self._came(CheckOutcome.UP, word.at, f"said {word.id}", taken=taken)
        else:
            why = word.why or "The job reported a failure."
            self._came(CheckOutcome.FAILED, word.at, f"said {word.id}", why=why, taken=taken)

    def pass_until(self, now: datetime) -> None:
        """Note the runs that took too long up to a moment, and the times that were missed."""
        for run, began in sorted(self.runs.items(), key=lambda entry: entry[1]):
            if (over := began + self.expected.runtime) <= now:
                self._miss_until(over)
                del self.runs[run]
                if touching(self.absences, began, over):  # its end may have been said then
                    continue
                allowed = spelled(self.expected.runtime_seconds)
                why = f"It began at {_clock(began)} and did not end within {allowed}."
                self._came(CheckOutcome.TIMED_OUT, over, f"run {run} {began}", why=why)
        self._miss_until(now)
        self.ended = {run: at for run, at in self.ended.items() if now - at < LATE}

    def _is_late(self, word: WaitingCheckIn) -> bool:
        """Whether a word is about a run that ended before: requests overtake, and are repeated.

        A client that checks in says once how a run ended; who asks a heartbeat may do so again.
        """
        if word.run not in self.ended:
            return False
        return word.status == IN_PROGRESS or self.check.kind is CheckKind.MONITOR

    def _miss_until(self, now: datetime) -> None:
        missed: list[datetime] = []
        while self.deadline is not None and self.deadline <= now:
            if away := self._away(self.deadline):
                self.deadline = self._excused(self.deadline, away)
                continue
            # What still runs has been heard of, however long it takes.
            if not any(began <= self.deadline for began in self.runs.values()):
                missed = [*missed[1 - MOST_MISSED :], self.deadline]
            self.deadline = self._following(self.deadline, now)
        for deadline in missed:
            why = _missed(deadline, self.expected)
            self._came(CheckOutcome.MISSED, deadline, f"missed {deadline}", why=why)

    def _away(self, deadline: datetime) -> Away | None:
        """Whether the console was away when the job was to be heard of by a deadline."""
        since = deadline - self.expected.margin - EARLY
        return touching(self.absences, since, deadline)

    def _excused(self, deadline: datetime, away: Away) -> datetime | None:
        """The deadline after one that counts as nothing: a turn after the console was back."""
        why = f"Nothing is known: {away.words}."
        result = self._result(CheckOutcome.PAUSED, deadline, why, f"away {deadline}")
        self.results.append(replace(result, counts=False))
        expected = self.expected.deadline_after(away.until)
        if expected is not None and expected <= deadline:
            return self.expected.deadline_after_missing(deadline)
        return expected

    def _following(self, deadline: datetime, now: datetime) -> datetime:
        """The deadline after one that passed; long ago, the ones in between are left out."""
        seconds = max(self.expected.seconds_from(deadline), 1.0)
        if (now - deadline).total_seconds() > MOST_MISSED * seconds:
            recent = now - timedelta(seconds=MOST_MISSED * seconds / 2)
            if recent > deadline:
                return self.expected.deadline_after(recent) or recent
        return self.expected.deadline_after_missing(deadline)

    def _ended(self, run: str, at: datetime) -> datetime | None:
        """When the run began that ends, None if it is not known; it is open no longer."""
        if run == LATEST and run not in self.runs and self.runs:
            run = max(self.runs, key=lambda name: self.runs[name])
        if run != LATEST and len(self.ended) < MOST_RUNS:
            self.ended[run] = at
        return self.runs.pop(run, None)

    def _came(
        self,
        outcome: CheckOutcome,
        at: datetime,
        key: str,
        *,
        why: str = "",
        taken: int | None = None,
    ) -> None:
        before = self.standing
        self.standing = before.after(
            outcome,
            at,
            failures_needed=self.check.failures_needed,
            successes_needed=self.check.successes_needed,
        )
        lasted = outage_between(before, self.standing)
        if lasted is not None:
            away = overlap(self.absences, before.since, at)
            why = recovered(lasted, away, why)
            self.turns.append(at)
        elif self.standing.state is CheckState.DOWN and before.state is not CheckState.DOWN:
            self.turns.append(Began(at, why[:LONGEST_WHY]))
        result = self._result(outcome, at, why, key)
        self.results.append(replace(result, duration_us=None if taken is None else taken * 1000))

    def _result(self, outcome: CheckOutcome, at: datetime, why: str, key: str) -> CheckResult:
        return CheckResult(
            organization_id=self.check.organization_id,
            project_id=self.check.project_id,
            position=-RUN,
            result_id=result_id(self.check.id, key),
            check_id=self.check.id,
            slug=self.check.slug,
            kind=self.check.kind,
            environment=self.check.environment,
            release=self.release,
            timestamp=at,
            client_timestamp=at,
            received_at=clock.now(),
            outcome=outcome,
            state=self.standing.state,
            maintenance=self.maintained(at),
            seconds=self.expected.seconds_from(at),
            why=why[:LONGEST_WHY],
        )


def _missed(deadline: datetime, expected: Expectation) -> str:
    """When a job was expected, and how long it was waited for."""
    expectation = f"It was expected at {_clock(deadline - expected.margin)}, and nothing came"
    if not expected.margin_seconds:
        return f"{expectation}."
    return f"{expectation} within {spelled(expected.margin_seconds)}."


def _clock(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"
