"""Web vitals as pages show them: values with unit and rating, beside the project's own limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.accounts.models import MonitoringConfig
from console.telemetry.metric import Figure
from console.telemetry.vitals import Vital, Vitals
from console.telemetry.web_vitals import BY_NAME, CLS, INP, LCP, METRICS, WebVital
from console.web.filters import duration

TONES = {"good": "good", "needs improvement": "warn", "poor": "bad"}
CURRENT = tuple(metric for metric in METRICS if not metric.is_legacy)


def shown(metric: WebVital, value: float) -> str:
    """A value with its unit: 1.23 s, 180 ms; a score with three decimals at most."""
    if metric.unit:
        return duration(value * 1000)
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def limits(settings: MonitoringConfig) -> dict[str, float]:
    """The project's own thresholds for P75, by metric, in the metric's unit."""
    return {
        LCP.name: settings.lcp_ms,
        INP.name: settings.inp_ms,
        CLS.name: settings.cls_thousandths / 1000,
    }


@dataclass(frozen=True, slots=True)
class Rated:
    """A value in words: its text with the unit, its rating, and the tone of that."""

    text: str
    word: str

    @property
    def tone(self) -> str:
        return TONES[self.word]


@dataclass(frozen=True, slots=True)
class Ratings:
    """How many page loads were good, needed improvement, were poor."""

    good: int
    fair: int
    poor: int

    @property
    def parts(self) -> list[tuple[str, str, int, float]]:
        """Word, tone, count and share (0 to 1) of each rating, the best first."""
        total = (self.good + self.fair + self.poor) or 1
        counts = (self.good, self.fair, self.poor)
        return [
            (word, tone, count, count / total)
            for (word, tone), count in zip(TONES.items(), counts, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class RatedTrend:
    """P75 of a metric per time bucket, to be drawn in the tones of its ratings."""

    metric: WebVital
    values: Sequence[float | None] = ()

    @property
    def by_tone(self) -> list[tuple[str, list[float | None]]]:
        """The values split by the tones of their ratings, with gaps where another tone applies."""
        tones = [
            TONES[self.metric.rating(value)] if value is not None else "" for value in self.values
        ]
        return [
            (
                tone,
                [
                    value if value_tone == tone else None
                    for value, value_tone in zip(self.values, tones, strict=True)
                ],
            )
            for tone in TONES.values()
            if tone in tones
        ]

    @property
    def top(self) -> float:
        """The highest value, to which all its tones are drawn."""
        return max((value for value in self.values if value is not None), default=0)

    @property
    def top_text(self) -> str:
        return shown(self.metric, self.top)


@dataclass(frozen=True, slots=True)
class Card:
    """One metric of the page loads in the scope; `rated` is None if no load measured it."""

    metric: WebVital
    rated: Rated | None
    ratings: Ratings
    limit_text: str
    """The project's own threshold in words, "" where it has none for this metric."""
    is_over: bool
    change: float | None
    """The change of P75 from the counterpart, in percent."""
    trend: RatedTrend

    @property
    def good_text(self) -> str:
        return shown(self.metric, self.metric.good)

    @property
    def poor_text(self) -> str:
        return shown(self.metric, self.metric.poor)


@dataclass(frozen=True, slots=True)
class VitalRow:
    """A page, a device or a release in a table."""

    name: str
    loads: int
    values: Mapping[str, Rated]
    p75: Mapping[str, float]
    slow: int
    """Page loads whose chosen metric was not good."""
    impact: float
    """Their share of all such page loads in the table, 0 to 1."""


def cards(
    now: Vitals,
    figures: Mapping[str, Figure],
    trends: Mapping[str, Sequence[float | None]],
    settings: MonitoringConfig,
) -> list[Card]:
    """A card for each metric, the legacy one only where somebody sent it; [] without page loads.

    `figures` are by the names of the web vitals.
    """
    if not now.loads:
        return []
    own = limits(settings)
    listed = [*CURRENT, *(m for m in METRICS if m.is_legacy and m.name in now.metrics)]
    return [
        _card(metric, now.metrics.get(metric.name), figures[metric.name], trends, own)
        for metric in listed
    ]


def rows(groups: Sequence[Vitals], metric: str) -> list[VitalRow]:
    """The rows of a table, with their impact on one metric."""
    slow = [_slow(group.metrics.get(metric)) for group in groups]
    total = sum(slow) or 1
    return [
        VitalRow(
            name=group.name,
            loads=group.loads,
            values={name: rated(BY_NAME[name], vital.p75) for name, vital in group.metrics.items()},
            p75={name: vital.p75 for name, vital in group.metrics.items()},
            slow=count,
            impact=count / total,
        )
        for group, count in zip(groups, slow, strict=True)
    ]


def ordered(rows: list[VitalRow], by: str) -> list[VitalRow]:
    """The rows by impact, by the P75 of a metric, or as they are: by page loads."""
    if by == "impact":
        return sorted(rows, key=lambda row: (-row.slow, -row.loads, row.name))
    if by == "loads":
        return rows
    return sorted(rows, key=lambda row: (-row.p75.get(by, -1.0), row.name))


def rated(metric: WebVital, value: float) -> Rated:
    """A value of a metric in words."""
    return Rated(shown(metric, value), metric.rating(value))


def _card(
    metric: WebVital,
    vital: Vital | None,
    figure: Figure,
    trends: Mapping[str, Sequence[float | None]],
    own: Mapping[str, float],
) -> Card:
    p75, limit = figure.now.number, own.get(metric.name)
    return Card(
        metric=metric,
        rated=rated(metric, p75) if p75 is not None else None,
        ratings=Ratings(vital.good, vital.needs_improvement, vital.poor) if vital else NOBODY,
        limit_text=shown(metric, limit) if limit is not None else "",
        is_over=p75 is not None and limit is not None and p75 > limit,
        change=figure.change,
        trend=RatedTrend(metric, trends.get(metric.name, ())),
    )


def _slow(vital: Vital | None) -> int:
    return vital.needs_improvement + vital.poor if vital else 0


NOBODY = Ratings(0, 0, 0)
