"""For each threshold and pending time: what a rule would have done, without a replay for each.

A replay decides every evaluation anew. Here each number is only compared with all thresholds once;
what follows for a threshold is a search for runs of breaches in a string of bytes. The results are
what `replay` says, which a test compares; the editor shows them while a handle moves.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from console.alerting.condition import BREACHES, Condition, Evaluated, Gap, Level, Verdict

CLEAR, BETWEEN, HOT = 0, 1, 2
ALWAYS_CLEAR, ALWAYS_HOT = 254, 255
MOST_LEVELS = 250
"""More thresholds do not fit beside the two codes into a byte."""
_HOT, _CLEAR = re.compile(b"\x02+"), re.compile(b"\x00+")


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a rule would have fired, for how many seconds, and how often at night."""

    incidents: int = 0
    seconds: float = 0
    longest: float = 0
    at_night: int = 0

    def __add__(self, tally: Tally) -> Tally:
        """Both together, as for two series of a rule."""
        return Tally(
            self.incidents + tally.incidents,
            self.seconds + tally.seconds,
            max(self.longest, tally.longest),
            self.at_night + tally.at_night,
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """What would have happened at each threshold, by pending time: `rows[pending][threshold]`."""

    levels: Sequence[float]
    pendings: Sequence[float]
    rows: Sequence[Sequence[Tally]]
    recoveries: Sequence[Tally]
    """By recovery level instead, at the threshold and pending time of the draft."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The conclusive evaluations of a series: their moments, and the ranks of their numbers."""

    moments: Sequence[float]
    ranks: bytes
    gaps: Sequence[tuple[float, float]]
    """Times without data, where that is a state of its own; each ends with the next number."""
    until: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """The series of a draft, ready to be asked for many thresholds."""

    condition: Condition
    levels: Sequence[float]
    """The thresholds in rising order, with the draft's own ones among them."""
    is_night: Callable[[float], bool]
    lines: list[_Line] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        condition: Condition,
        series: Sequence[Sequence[Evaluated]],
        levels: Sequence[float],
        is_night: Callable[[float], bool],
    ) -> Sweep:
        """Compare every number with all levels, once."""
        own = [*condition.levels.values(), condition.clear_level]
        ordered = sorted({*levels, *own})
        if len(ordered) > MOST_LEVELS:
            raise ValueError(f"at most {MOST_LEVELS} thresholds")
        sweep = cls(condition, ordered, is_night)
        sweep.lines.extend(sweep._line(evaluations) for evaluations in series if evaluations)
        return sweep

    def curve(self, pendings: Sequence[float]) -> Curve:
        """The outcome of every threshold with every pending time, which are in rising order."""
        columns = [self._column(level, pendings) for level in self.levels]
        return Curve(
            self.levels,
            pendings,
            [[column[row] for column in columns] for row in range(len(pendings))],
            self._recoveries(),
        )

    def _recoveries(self) -> list[Tally]:
        condition = self.condition
        least, pending = condition.levels[condition.ordered[0]], [condition.pending_seconds]
        rises = condition.op in (">", ">=")
        own: dict[float, Tally] = {}
        for level in self.levels:
            # A recovery level beyond the threshold is none: the threshold holds in its place.
            recovery = (min if rises else max)(level, least)
            if recovery not in own:
                own[recovery] = self._column(least, pending, recovery=recovery)[0]
        return [own[(min if rises else max)(level, least)] for level in self.levels]

    def _column(
        self, level: float, pendings: Sequence[float], recovery: float | None = None
    ) -> list[Tally]:
        if recovery is None:
            recovery = self.condition.recovery
        table = self._table(level, level if recovery is None else recovery)
        totals = [Tally()] * len(pendings)
        for line in self.lines:
            kinds = self._kinds(line.ranks.translate(table))
            runs = [run.span() for run in _HOT.finditer(kinds)]
            for row, pending in enumerate(pendings):
                # A run that is too short for one pending time is too short for the longer ones.
                moments = line.moments
                runs = [(i, j) for i, j in runs if moments[j - 1] - moments[i] >= pending]
                times = _fired(line, kinds, runs, pending, self.condition.keep_firing_seconds)
                totals[row] += self._tally(_joined([*times, *line.gaps]), line.until)
        return totals

    def _tally(self, times: Sequence[tuple[float, float]], until: float) -> Tally:
        lengths = [min(end, until) - start for start, end in times]
        night = sum(self.is_night(start) for start, _ in times)
        return Tally(len(times), sum(lengths), max(lengths, default=0), night)

    def _line(self, evaluations: Sequence[Evaluated]) -> _Line:
        # What a missing number counts as, the condition says; its own levels do not matter here.
        moments, ranks, gaps, gap = [], bytearray(), [], None
        for evaluated in evaluations:
            judgement = self.condition.judge(evaluated)
            if judgement.verdict in (Verdict.NO_DATA, Verdict.INCONCLUSIVE, Verdict.ERROR):
                missing = judgement.verdict is Verdict.NO_DATA
                if missing and gap is None and self.condition.no_data is Gap.NO_DATA:
                    gap = evaluated.at
                continue
            if gap is not None:
                gaps.append((gap, evaluated.at))
                gap = None
            moments.append(evaluated.at)
            ranks.append(self._rank(judgement.number, judgement.verdict))
        if gap is not None:
            gaps.append((gap, float("inf")))
        return _Line(moments, bytes(ranks), gaps, evaluations[-1].at)

    def _rank(self, number: float | None, verdict: Verdict) -> int:
        """How many levels lie on the good side of a number (`>`), or on the bad side (`<`)."""
        if number is None:
            return ALWAYS_HOT if verdict in BREACHES.values() else ALWAYS_CLEAR
        equal_breaches = self.condition.op in (">=", "<")
        return (bisect_right if equal_breaches else bisect_left)(self.levels, number)

    def _table(self, level: float, recovery: float) -> bytes:
        """What each rank means at a level: HOT beyond it, BETWEEN it and the recovery level."""
        threshold, clear = (bisect_left(self.levels, limit) for limit in (level, recovery))
        if self.condition.op in (">", ">="):
            clear = min(clear, threshold)
            kinds = [HOT if rank > threshold else int(rank > clear) for rank in range(254)]
        else:
            clear = max(clear, threshold)
            kinds = [HOT if rank <= threshold else int(rank <= clear) for rank in range(254)]
        return bytes([*kinds, CLEAR, HOT])

    def _kinds(self, verdicts: bytes) -> bytes:
        """HOT where enough of the last evaluations breach; a breach alone is no recovery."""
        condition = self.condition
        if condition.of == 1:
            return verdicts
        count, of, kinds = 0, condition.of, bytearray(verdicts)
        for place, verdict in enumerate(verdicts):
            count += verdict == HOT
            if place >= of:
                count -= verdicts[place - of] == HOT
            kinds[place] = HOT if count >= condition.breaches else min(verdict, BETWEEN)
        return bytes(kinds)


def alone(condition: Condition, level: float) -> Condition:
    """The condition with one level only, and a recovery level that does not contradict it."""
    recovery = condition.recovery
    if recovery is not None:
        recovery = (min if condition.op in (">", ">=") else max)(recovery, level)
    return replace(condition, levels={Level.CRITICAL: level}, recovery=recovery)


def _fired(
    line: _Line,
    kinds: bytes,
    runs: Sequence[tuple[int, int]],
    pending: float,
    keep_firing: float,
) -> Iterator[tuple[float, float]]:
    """When incidents begin and end; the last one may have no end."""
    moments, over = line.moments, 0
    for start, end in runs:
        if start < over:
            continue
        fires = bisect_left(moments, moments[start] + pending, start, end)
        if fires == end:
            continue
        over = _resolved(moments, kinds, fires, keep_firing)
        yield moments[fires], moments[over] if over < len(moments) else float("inf")


def _resolved(moments: Sequence[float], kinds: bytes, since: int, keep_firing: float) -> int:
    """The place at which what fires is ok again: clear for the keep-firing time without a break."""
    clear = kinds.find(CLEAR, since)
    while clear >= 0:
        run = _CLEAR.match(kinds, clear)
        assert run is not None
        over = bisect_left(moments, moments[clear] + keep_firing, clear, run.end())
        if over < run.end():
            return over
        clear = kinds.find(CLEAR, run.end())
    return len(moments)


def _joined(times: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Times that overlap or follow each other at once are one incident."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(times):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
