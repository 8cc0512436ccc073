"""What a draft of a rule would have done over the last day, week or month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import islice
from typing import Any

from console.accounts.models import Project
from console.alerting import signal
from console.alerting.backtest import NIGHT_BEGINS, NIGHT_ENDS, Replay, replay
from console.alerting.condition import Condition, Evaluated, Verdict
from console.alerting.decide import State
from console.alerting.definition import Definition
from console.alerting.editor.curve import Curve, Sweep
from console.alerting.editor.steps import pendings, thresholds
from console.alerting.evaluation import DELAY
from console.core import clock
from console.web import clocks
from console.web.filters import duration, plural
from console.web.timerange import in_words

DAY = timedelta(days=1)
RANGES = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
RANGE_LABELS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
USUAL_RANGE = "7d"
MOST_EVALUATIONS = 10_080
"""A week of minutes; a rule that is evaluated more often is evaluated less often in a preview."""
MOST_BROKEN_DOWN = 1_440
"""So many for each value of a breakdown, as there may be many values: a day of minutes."""
MOST_CUT_BROKEN_DOWN = 3 * MOST_BROKEN_DOWN
"""So many where a window has no longer interval; the preview then begins later."""
MOST_SERIES = 50
MOST_QUESTIONS = 12
"""So many windows that overlap are asked for at most: each is a question of its own."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rule would have done, in numbers; times are in seconds."""

    incidents: int
    at_night: int
    critical: int
    longest: float
    seconds: float

    @classmethod
    def of(cls, replays: Mapping[str, Replay], zone: tzinfo) -> Figures:
        """The incidents of all series together."""
        episodes = [episode for own in replays.values() for episode in own.episodes]
        return cls(
            incidents=len(episodes),
            at_night=sum(own.at_night(zone) for own in replays.values()),
            critical=sum(episode.worst is State.CRITICAL for episode in episodes),
            longest=max((own.longest for own in replays.values()), default=0),
            seconds=sum(own.firing_seconds for own in replays.values()),
        )

    def sentence(self, over: str, *, is_exact: bool = True) -> str:
        """What would have happened, in words that static/js/editor-figures.js puts alike."""
        if not self.incidents:
            return f"Would {'' if is_exact else 'probably '}have opened no incident in {over}."
        marks = {"at night": self.at_night, "critical": self.critical}
        own = ", ".join(f"{count} {name}" for name, count in marks.items() if count)
        return (
            f"Would have opened {'' if is_exact else 'about '}"
            f"{plural(self.incidents, 'incident')} in {over}"
            f"{f' ({own})' if own else ''}, longest {lasting(self.longest)}, "
            f"{lasting(self.seconds)} in all."
        )


def lasting(seconds: float) -> str:
    """A length of time in words; an incident at the very last evaluation has lasted none."""
    return duration(seconds * 1e6) if seconds else "0 s"


@dataclass(frozen=True)
class Watched:
    """What a draft watches, evaluated over a range; no level has been compared with it yet."""

    definition: Definition
    """With the interval that the preview evaluates at."""
    name: str
    since: datetime
    until: datetime
    series: Mapping[str, Sequence[Evaluated]]
    known_since: datetime | None
    """The beginning of the history that the range has; None without any."""
    stands_for: int = 1
    """How many evaluations of the rule each one here stands for."""
    left_out: int = 0
    """How many values of the breakdown the rule watches that are not evaluated here."""

    @property
    def is_exact(self) -> bool:
        """Whether live evaluation would have decided all the same windows."""
        return self.stands_for == 1 and not self.left_out

    @property
    def every(self) -> str:
        """How often it is evaluated here, in words."""
        return in_words(timedelta(seconds=self.definition.condition.interval_seconds))

    @property
    def is_cut(self) -> bool:
        """Whether the range has more evaluations than a preview makes, and begins later."""
        return self.until - self.since < RANGES[self.name]

    @property
    def caveats(self) -> Iterator[str]:
        """Why live evaluation over the whole range may come to other figures."""
        interval = timedelta(seconds=self.definition.condition.interval_seconds)
        if self.stands_for > 1:
            yield (
                f"Each point here stands for {self.stands_for} evaluations: the rule is evaluated "
                f"every {in_words(interval / self.stands_for)}, this replay every "
                f"{self.every}. Its counts are approximate; over a shorter range, or with "
                "a longer interval, they are exact."
            )
        if self.left_out:
            count = len(self.series)
            yield (
                f"The {count} largest of {count + self.left_out} values of {self.definition.by} "
                "are replayed and counted here; the rule watches them all."
            )
        if self.is_cut:
            yield (
                f"Replayed over the last {duration(self.until - self.since)} only: the whole range "
                "has more evaluations than a preview makes. A longer window and interval reach "
                "further back."
            )

    @property
    def history(self) -> timedelta:
        """How much of the range has a history."""
        if self.known_since is None:
            return timedelta(0)
        return self.until - max(self.since, self.known_since)

    @property
    def over(self) -> str:
        """The time that its figures are about, in words."""
        whole, (count, unit) = RANGE_LABELS[self.name], RANGE_LABELS[self.name].split()
        if self.known_since is None:
            return f"{whole} without data"
        if self.is_cut:
            return f"{duration(self.history)}{' with data' if self.is_short else ''}"
        if not self.is_short:
            return whole
        known = self.history / RANGES[self.name] * int(count)
        if known < 1:
            return f"the {duration(self.history)} of {whole} with data"
        return f"the {known:.2g} of {count} {unit} with data"

    @property
    def is_short(self) -> bool:
        """Whether a tenth of the range or more lies before the history begins."""
        return self.history < 0.9 * (self.until - self.since)

    @property
    def undecided(self) -> float:
        """The share of the evaluations that say nothing of any level."""
        evaluations = sum(len(own) for own in self.series.values())
        return 1 - len(self.numbers) / evaluations if evaluations else 0.0

    @cached_property
    def numbers(self) -> list[float]:
        """The numbers that levels are compared with, of all series, in rising order."""
        condition = self.definition.condition
        judged = (condition.judge(evaluated) for own in self.series.values() for evaluated in own)
        missing = (Verdict.NO_DATA, Verdict.INCONCLUSIVE, Verdict.ERROR)
        return sorted(
            judgement.number
            for judgement in judged
            if judgement.number is not None and judgement.verdict not in missing
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would have done, exactly, and what it would do with other levels."""

    watched: Watched
    definition: Definition
    """As the draft says it."""
    replays: Mapping[str, Replay]
    curve: Curve
    figures: Figures
    replays_before: Mapping[str, Replay] = field(default_factory=dict)
    """What the rule would have done as it is saved, where it watches the same."""
    before: Figures | None = None

    @property
    def document(self) -> dict[str, Any]:
        """What is kept with the version of a rule."""
        return _document(self.watched, self.figures)

    @property
    def sentence(self) -> str:
        """What the draft would have done, in words."""
        watched = self.watched
        return self.figures.sentence(watched.over, is_exact=watched.is_exact)

    @property
    def sentence_before(self) -> str:
        """The same of the saved rule, as the end of a sentence; "" where it watches another."""
        if self.before is None:
            return ""
        words = self.before.sentence(self.watched.over, is_exact=self.watched.is_exact)
        return words.replace("Would", "would", 1)


def watch(project: Project, definition: Definition, name: str) -> Watched:
    """Ask for the series of a draft. Raises as `signal.over` does."""
    length = RANGES[name]
    thin = thinned(definition, length)
    interval = timedelta(seconds=thin.condition.interval_seconds)
    until = signal.latest_moment(thin, clock.now() - DELAY)
    most = MOST_CUT_BROKEN_DOWN if definition.by else signal.MOST_EVALUATIONS
    since = until - min(length, interval * most)
    asked = signal.over(thin, project, since, until)
    series = dict(islice(asked.by_value.items(), MOST_SERIES))
    left_out = len(asked.by_value) - len(series)
    if not definition.by:
        series, left_out = {"": _only(asked)}, 0
    stands_for = round(interval.total_seconds() / definition.condition.interval_seconds)
    known = _known_since(project, thin, series)
    return Watched(thin, name, since, until, series, known, stands_for, left_out)


def outcome(watched: Watched, definition: Definition) -> dict[str, Any]:
    """What is kept with the version of a rule that nobody looks at a preview of."""
    replays = _replayed(_timed(definition.condition, watched), watched)
    return _document(watched, Figures.of(replays, clocks.zone()))


def previewed(watched: Watched, definition: Definition, saved: Definition | None = None) -> Preview:
    """Decide the series as the draft says, and as the saved rule does if it watches the same."""
    zone = clocks.zone()
    replays = _replayed(_timed(definition.condition, watched), watched)
    earlier: Mapping[str, Replay] | None = None
    levels = list(definition.condition.levels.values())
    if saved is not None and watches_the_same(definition, saved):
        levels += saved.condition.levels.values()
        earlier = _replayed(_timed(saved.condition, watched), watched)
    curve = swept(watched, definition, levels)
    before = Figures.of(earlier, zone) if earlier is not None else None
    figures = Figures.of(replays, zone)
    return Preview(watched, definition, replays, curve, figures, earlier or {}, before)


def swept(watched: Watched, definition: Definition, levels: Sequence[float] = ()) -> Curve:
    """What the draft would do at every level, without deciding each series exactly."""
    condition = _timed(definition.condition, watched)
    steps = thresholds(watched.numbers, condition.op, levels)
    sweep = Sweep.of(condition, list(watched.series.values()), steps, _night(clocks.zone()))
    return sweep.curve(pendings(definition.condition))


def thinned(definition: Definition, length: timedelta) -> Definition:
    """The definition, evaluated less often where a preview would take too long.

    The interval stays a divisor of the window, so that every moment lies in some window.
    """
    interval = int(definition.condition.interval_seconds)
    most = MOST_BROKEN_DOWN if definition.by else MOST_EVALUATIONS
    window = definition.window_seconds
    multiples = [
        interval * times
        for times in range(1, window // interval + 1)
        if window % (interval * times) == 0
    ]
    few = (
        seconds
        for seconds in multiples
        if window / seconds <= MOST_QUESTIONS and length.total_seconds() / seconds <= most
    )
    seconds = next(few, multiples[-1])
    return replace(definition, condition=replace(definition.condition, interval_seconds=seconds))


def watches_the_same(definition: Definition, saved: Definition) -> bool:
    """Whether two definitions decide the same series."""
    return _series_of(definition) == _series_of(saved)


def _document(watched: Watched, figures: Figures) -> dict[str, Any]:
    return {
        "range": watched.name,
        "since": watched.since.isoformat(),
        "until": watched.until.isoformat(),
        "history_days": round(watched.history / DAY, 3),
        "interval_seconds": watched.definition.condition.interval_seconds,
        "stands_for": watched.stands_for,
        "values_left_out": watched.left_out,
        "incidents": figures.incidents,
        "at_night": figures.at_night,
        "critical": figures.critical,
        "longest_seconds": figures.longest,
        "firing_seconds": figures.seconds,
    }


def _series_of(definition: Definition) -> dict[str, Any]:
    own = definition.document
    apart = ("op", "levels", "recovery", "pending_seconds", "keep_firing_seconds", "breaches",
             "no_data", "on_error", "minimum_samples")  # fmt: skip
    return {name: value for name, value in own.items() if name not in apart}


def _timed(condition: Condition, watched: Watched) -> Condition:
    seconds = watched.definition.condition.interval_seconds
    return replace(condition, interval_seconds=seconds)


def _replayed(condition: Condition, watched: Watched) -> dict[str, Replay]:
    return {value: replay(condition, own) for value, own in watched.series.items()}


def _only(asked: signal.Signal) -> Sequence[Evaluated]:
    return asked.by_value.get("", asked.absent)


def _known_since(
    project: Project, definition: Definition, series: Mapping[str, Sequence[Evaluated]]
) -> datetime | None:
    """When history begins: with the first sample, or with the project for what counts from zero."""
    firsts = [
        next((evaluated.at for evaluated in own if evaluated.samples), None)
        for own in series.values()
    ]
    known = [at for at in firsts if at is not None]
    first = datetime.fromtimestamp(min(known), UTC) - definition.window if known else None
    if signal.metric_of(definition).empty == "gap":
        return first
    return min(first, project.created_at) if first else project.created_at


def _night(zone: tzinfo) -> Any:
    hours: dict[int, bool] = {}

    def is_night(at: float) -> bool:
        # Zones are ahead of UTC by multiples of a quarter of an hour.
        quarter = int(at) // 900
        if quarter not in hours:
            hour = datetime.fromtimestamp(quarter * 900, UTC).astimezone(zone).hour
            hours[quarter] = hour >= NIGHT_BEGINS or hour < NIGHT_ENDS
        return hours[quarter]

    return is_night
