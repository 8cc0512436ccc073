"""The preview as a picture: the evaluated series with bands, handles, fired times and gaps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from console.alerting.backtest import Replay
from console.alerting.condition import LEVELS, Condition, Evaluated, Judgement, Verdict
from console.alerting.definition import Definition
from console.alerting.editor.past import WORDS, Assessed
from console.alerting.editor.preview import Preview, lasting
from console.metrics.catalogue import CATALOGUE, full_title
from console.web.charts import Chart, Series
from console.web.filters import duration
from console.web.thresholds import Scale

HEIGHT = 260
MOST_BUCKETS, MOST_LINES = 480, 5
THIN = 0.35
"""Percent of the width that a time has at least, so that a minute in a week can be seen."""
PEAK, ROOM = 2.5, 1.3
"""Peaks this many times as high as all that matters are cut off, with some room above it."""
GAPS = {
    Verdict.NO_DATA: "no data",
    Verdict.INCONCLUSIVE: "too few samples, or nothing to compare with",
}


PENDING_REACH = 40
"""Percent of the width along which the pending time is dragged, as editor-figures.js has it."""
TEXT_ROOM = 26
LATE = "decided before all of its data had come"
LOUD = ("never", "once a week or less", "up to 3 a week", "daily", "up to 3 a day", "more")
BOUNDS = (0, 1, 3, 7, 21)
"""So many incidents a week are the most of each kind but the last."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where the draft stands among thresholds (in percent of the width) and pending times."""

    x: float
    row: int


@dataclass(frozen=True, slots=True)
class Time:
    """A time in the picture, in percent of its width, and what it says; it may be a link."""

    x: float
    width: float
    text: str
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """A level that can be moved: its name, its number, its text, and its height in pixels."""

    name: str
    value: float
    text: str
    y: float
    band: tuple[float, float]
    """Top and height of what lies beyond it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The handle of the pending time: it lies on the level that opens incidents, by its steps."""

    x: float
    """In percent of the width; the last step lies at PENDING_REACH."""
    y: float
    text_y: int
    step: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the template draws; `document` is what its scripts need while a handle moves."""

    chart: Chart
    scale: Scale
    fired: Sequence[Time]
    fired_before: Sequence[Time]
    """When the rule would have fired as it is saved."""
    past: Sequence[Time]
    gaps: Sequence[Time]
    handles: Sequence[Handle]
    saved: Sequence[Handle]
    pending: Pending
    strip: Sequence[Sequence[Time]]
    cut_off: int
    undrawn: int
    """Series that are evaluated and not drawn: they would hide each other."""
    document: Mapping[str, Any]
    point: Point
    loudness: Sequence[str] = LOUD
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)


def drawn(
    preview: Preview,
    saved: Definition | None,
    past: Sequence[Assessed],
    late: Sequence[datetime] = (),
) -> Picture:
    """The picture of a preview, with the levels of the rule as it is saved, and its incidents."""
    definition, watched = preview.definition, preview.watched
    frame = _Frame(preview, saved if preview.before is not None else None)
    chart = frame.chart()
    scale = Scale.of(chart, HEIGHT)
    return Picture(
        chart=chart,
        scale=scale,
        fired=list(frame.fired(preview.replays)),
        fired_before=list(frame.fired(preview.replays_before)),
        past=[
            frame.time(incident.since, incident.until, incident.text, incident.kind)
            for incident in past
        ],
        gaps=[*frame.gaps(), *(frame.time(at - definition.window, at, LATE) for at in late)],
        handles=list(frame.handles(definition.condition, scale)),
        saved=list(frame.handles(frame.saved.condition, scale)) if frame.saved else [],
        pending=_pending(preview, frame, scale),
        strip=_strip(preview),
        cut_off=frame.cut_off,
        undrawn=max(0, len(watched.series) - MOST_LINES),
        document=_document(preview, frame, scale),
        point=_point(preview),
    )


class _Frame:
    """The axes of a picture, and what lies along them."""

    def __init__(self, preview: Preview, saved: Definition | None) -> None:
        watched = preview.watched
        self.preview, self.saved = preview, saved
        self.since, self.until = watched.since, watched.until
        condition = watched.definition.condition
        self.metric = CATALOGUE.get(watched.definition.metric)
        is_share = self.metric is not None and self.metric.format == "share"
        self.factor = 100.0 if is_share and condition.compare is None else 1.0
        interval = timedelta(seconds=condition.interval_seconds)
        evaluations = max(1, (self.until - self.since) // interval)
        self.grain = interval * -(-evaluations // MOST_BUCKETS)
        self.count = max(1, -(-(self.until - self.since) // self.grain))
        worst = sorted(watched.series, key=lambda value: -len(preview.replays[value].episodes))
        self.lines = {value: self._worst(watched.series[value]) for value in worst[:MOST_LINES]}
        self.cut_off = 0

    def chart(self) -> Chart:
        """The series, each bucket at its worst; peaks that would flatten all else are cut off."""
        reach = self._reach()
        series = [
            Series(value or "evaluated", self._shown(own, reach), role=str(place))
            for place, (value, own) in enumerate(self.lines.items(), start=1)
        ]
        return Chart(
            title=full_title(self.metric) if self.metric else self.preview.definition.metric,
            unit=self._unit(),
            buckets=[self.since + self.grain * place for place in range(self.count)],
            grain=self.grain,
            series=series,
            reach=reach * self.factor,
        )

    def time(self, since: datetime, until: datetime, text: str, kind: str = "") -> Time:
        """A time as part of the width."""
        whole = self.until - self.since
        start = max(0.0, (since - self.since) / whole * 100)
        end = min(100.0, (until - self.since) / whole * 100)
        width = max(THIN, end - start)
        x = max(0.0, min(start, 100 - width))
        return Time(round(x, 2), round(width, 2), text, kind, since, until)

    def fired(self, replays: Mapping[str, Replay]) -> Iterator[Time]:
        """The incidents that were opened in replays, in order."""
        episodes = [
            (episode, value, own.until)
            for value, own in replays.items()
            for episode in own.episodes
        ]
        for episode, value, until in sorted(episodes, key=lambda pair: pair[0].opened):
            length = duration(episode.seconds(until) * 1e6) if episode.seconds(until) else "0 s"
            text = f"{length}{f', {value}' if value else ''}{'' if episode.resolved else ', on'}"
            since = datetime.fromtimestamp(episode.opened, UTC)
            end = datetime.fromtimestamp(episode.resolved or until, UTC)
            yield self.time(since, end, text, episode.worst.value)

    def gaps(self) -> Iterator[Time]:
        """The buckets without a number that decides, next to each other as one time."""
        reasons: list[str] = []
        for place in range(self.count):
            judged = [own[place] for own in self.lines.values()]
            verdicts = {judgement.verdict for judgement in judged if judgement}
            is_gap = verdicts <= GAPS.keys()
            reasons.append(
                GAPS[Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else Verdict.NO_DATA]
                if is_gap
                else ""
            )
        place = 0
        for reason, run in groupby(reasons):
            length = len(list(run))
            if reason:
                since = self.since + self.grain * place
                yield self.time(since, since + self.grain * length, reason)
            place += length

    def handles(self, condition: Condition, scale: Scale) -> Iterator[Handle]:
        """The levels of a condition, the worst first, and the one to recover at."""
        own = {level.value: condition.levels.get(level) for level in reversed(LEVELS)}
        own["recovery"] = condition.recovery
        for name, value in own.items():
            if value is not None:
                text = condition.words(value)
                y = scale.y(value * self.factor)
                rises = condition.op in (">", ">=")
                band = (scale.top, max(0, y - scale.top)) if rises else (y, scale.bottom - y)
                yield Handle(name, value, text, y, band)

    def _worst(self, evaluations: Sequence[Evaluated]) -> list[Judgement | None]:
        """The worst judgement of each bucket; one with a number is worse than one without."""
        condition = self.preview.definition.condition
        rises = condition.op in (">", ">=")
        worst: list[Judgement | None] = [None] * self.count
        start, width = self.since.timestamp(), self.grain.total_seconds()
        for evaluated in evaluations:
            judgement = condition.judge(evaluated)
            # A window belongs to the moment at which it ends, which its bucket includes.
            place = min(self.count - 1, max(0, int((evaluated.at - start - 1e-6) // width)))
            before = worst[place]
            if before is None or _key(judgement, rises=rises) > _key(before, rises=rises):
                worst[place] = judgement
        return worst

    def _shown(self, judgements: Sequence[Judgement | None], reach: float) -> list[float | None]:
        numbers: list[float | None] = []
        for judgement in judgements:
            if judgement is None or judgement.number is None or judgement.verdict in GAPS:
                numbers.append(None)
                continue
            self.cut_off += judgement.number > reach
            numbers.append(min(judgement.number, reach) * self.factor)
        return numbers

    def _reach(self) -> float:
        """The number up to which the axis goes at least, and at most where peaks are cut off."""
        numbers = self.preview.watched.numbers
        condition = self.preview.definition.condition
        matter = [*condition.levels.values(), condition.clear_level]
        if self.saved is not None:
            matter += self.saved.condition.levels.values()
        if numbers:
            matter.append(numbers[int((len(numbers) - 1) * 0.99)])
        most, highest = max(matter), numbers[-1] if numbers else 0.0
        if highest <= max(most, 0) * PEAK:
            return max(most, highest)
        return most * ROOM

    def _unit(self) -> str:
        compare = self.preview.definition.condition.compare
        if compare in ("percent", "deviation"):
            return "%" if compare == "percent" else "deviations"
        return "%" if self.factor > 1 else self.metric.unit if self.metric else ""


def _key(judgement: Judgement, *, rises: bool) -> tuple[int, float]:
    if judgement.number is None or judgement.verdict in GAPS:
        return (0 if judgement.verdict is Verdict.NO_DATA else 1, 0.0)
    return 2, judgement.number if rises else -judgement.number


def _point(preview: Preview) -> Point:
    condition, curve = preview.definition.condition, preview.curve
    place = bisect_left(curve.levels, condition.levels[condition.ordered[0]])
    x = (place + 0.5) * 100 / len(curve.levels)
    return Point(round(x, 2), bisect_left(curve.pendings, condition.pending_seconds))


def _pending(preview: Preview, frame: _Frame, scale: Scale) -> Pending:
    condition, steps = preview.definition.condition, preview.curve.pendings
    step, last = bisect_left(steps, condition.pending_seconds), len(steps) - 1
    y = scale.y(condition.levels[condition.ordered[0]] * frame.factor)
    y = max(scale.top, min(scale.bottom, y))
    below = y < scale.bottom - TEXT_ROOM
    text = f"for {lasting(steps[step])}" if steps[step] else "at once"
    return Pending(
        x=round(step * PENDING_REACH / last, 2),
        y=round(y, 1),
        text_y=20 if below else -12,
        step=step,
        last=last,
        text=text,
    )


def _strip(preview: Preview) -> list[list[Time]]:
    """How loud each threshold with each pending time would be: neighbours of a kind as one time."""
    weeks = max(preview.watched.history / timedelta(days=7), 1 / 7)
    width = 100 / len(preview.curve.levels)
    strip = []
    for row in preview.curve.rows:
        place, times = 0, []
        for kind, run in groupby(_loudness(tally.incidents / weeks) for tally in row):
            length = len(list(run))
            x = round(place * width, 3)
            times.append(Time(x, round(length * width, 3), LOUD[kind], str(kind)))
            place += length
        strip.append(times)
    return strip


def _loudness(per_week: float) -> int:
    """0 for never, up to 5 for what wakes people all the time."""
    return sum(per_week > bound for bound in BOUNDS)


def _document(preview: Preview, frame: _Frame, scale: Scale) -> dict[str, Any]:
    condition, curve = preview.definition.condition, preview.curve
    base = condition.levels[condition.ordered[0]], condition.pending_seconds
    return {
        "levels": list(curve.levels),
        "texts": [condition.words(level) for level in curve.levels],
        "pendings": list(curve.pendings),
        "rows": [[_figures(tally) for tally in row] for row in curve.rows],
        "recoveries": [_figures(tally) for tally in curve.recoveries],
        "base": [bisect_left(curve.levels, base[0]), bisect_left(curve.pendings, base[1])],
        "over": preview.watched.over,
        "exact": preview.watched.is_exact,
        "rises": condition.op in (">", ">="),
        "scale": [scale.low, scale.high, scale.top, scale.bottom, frame.factor],
    }


def _figures(tally: Any) -> list[float]:
    return [tally.incidents, round(tally.seconds), round(tally.longest), tally.at_night]
