"""A histogram of durations: bars of equal ratio, percentiles marked, each bar a link or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.web.filters import compact, duration, plural
from console.web.units import log_ticks

LABEL_WIDTH = 0.26
"""The largest share of the width that a label takes, on a narrow card."""
FEW = 10
"""A histogram of fewer is a picture of nothing."""
TICK_GAP = 0.16
"""How far apart ticks stand: "100 ms" has room on a narrow card."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as the macro draws it: x, width and height are shares of the plot, 0 to 1."""

    x: float
    width: float
    height: float
    count: float
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class HistogramMark:
    """A line with its label at a share of the plot's width; `level` keeps labels apart."""

    x: float
    text: str
    level: int = 0

    @property
    def is_left(self) -> bool:
        """Whether its label stands to the left of the line, for want of room on the right."""
        return self.x > 1 - LABEL_WIDTH

    def touches(self, neighbour: "HistogramMark") -> bool:
        """Whether the labels of two marks would touch."""
        starts = [mark.x - LABEL_WIDTH if mark.is_left else mark.x for mark in (self, neighbour)]
        return self.level == neighbour.level and abs(starts[0] - starts[1]) < LABEL_WIDTH


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges, in microseconds and rising: one more edge than there are counts.

    `marks` are durations by label. `hrefs` lead from a bar to what it counts, "" for nowhere.
    """

    title: str
    edges_us: Sequence[float]
    counts: Sequence[float]
    marks: Mapping[str, float] = field(default_factory=dict)
    hrefs: Sequence[str] = ()
    noun: str = "request"

    def __post_init__(self) -> None:
        if len(self.edges_us) != len(self.counts) + 1:
            raise ValueError("a histogram has one more edge than counts")
        if self.hrefs and len(self.hrefs) != len(self.counts):
            raise ValueError("a histogram has one link per count, or none")

    @property
    def top(self) -> float:
        """The count of the highest bar, which fills the height."""
        return max(self.counts, default=0) or 1

    @property
    def has_shape(self) -> bool:
        """Whether it counts enough to show how durations are spread."""
        return sum(self.counts) >= FEW

    def bars(self) -> list[Bar]:
        width = 1 / max(len(self.counts), 1)
        return [
            Bar(
                x=index * width,
                width=width,
                height=count / self.top,
                count=count,
                words=self._words(index),
                href=self.hrefs[index] if self.hrefs else "",
            )
            for index, count in enumerate(self.counts)
        ]

    def lines(self) -> list[HistogramMark]:
        """The marks from left to right, labels that would touch one below the other."""
        marks: list[HistogramMark] = []
        for text, at in sorted(self.marks.items(), key=lambda mark: mark[1]):
            mark = HistogramMark(self._place(at), f"{text} {duration(at)}")
            while any(mark.touches(neighbour) for neighbour in marks):
                mark = replace(mark, level=mark.level + 1)
            marks.append(mark)
        return marks

    def axis(self) -> list[HistogramMark]:
        """Where round durations such as 1, 2, 5 and 10 ms stand, as far as labels have room."""
        ticks = log_ticks(self.edges_us[0], self.edges_us[-1], self._place, TICK_GAP)
        return [HistogramMark(self._place(at), duration(at)) for at in ticks]

    def sentence(self) -> str:
        """What the histogram shows, in words: the label of its picture."""
        total = sum(self.counts)
        if not total:
            return f"{self.title}: nothing was counted."
        most = max(range(len(self.counts)), key=lambda index: self.counts[index])
        marks = ", ".join(f"{text} {duration(at)}" for text, at in self.marks.items())
        summary = (
            f"{self.title}: {plural(int(total), self.noun)}, most often {self._between(most)}."
        )
        return f"{summary} {marks}." if marks else summary

    def _between(self, index: int) -> str:
        return f"{duration(self.edges_us[index])} to {duration(self.edges_us[index + 1])}"

    def _words(self, index: int) -> str:
        return f"{self._between(index)}: {compact(self.counts[index])}"

    def _place(self, at: float) -> float:
        """The share of the width at which a duration stands, between the edges around it."""
        edges = self.edges_us
        for index in range(len(self.counts)):
            low, high = edges[index], edges[index + 1]
            if at < high:
                return (index + max(at - low, 0) / (high - low)) / len(self.counts)
        return 1.0
