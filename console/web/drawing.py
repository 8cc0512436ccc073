"""Charts as SVG: fluid with classes for pages, of fixed size and literal colours for mail."""

from collections.abc import Iterator, Sequence

import orjson
from flask import Flask
from markupsafe import Markup

from console.web.axis import (
    CHARACTER,
    Label,
    flag_box,
    marker_labels,
    time_labels,
)
from console.web.charts import DOT, STACKED, Chart, Series, chartjs, lone, sentence
from console.web.thresholds import ASCENT, BOTTOM, DESCENT, Place, Scale, clearest
from console.web.units import amount

LEFT, RIGHT = 44, 12
# A fluid chart carries one set of labels per width class; charts.css shows the set that fits.
WIDTHS = {"xs": 150, "s": 260, "m": 480, "l": 820}
LINES = 1000
TICK = 7
HALO = ' paint-order="stroke" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"'
"""Keeps words legible on lines; on pages charts.css does."""
LIGHT = {
    "1": "#3563dd",
    "2": "#0f9d8f",
    "3": "#b4631a",
    "4": "#7b4fd0",
    "5": "#5d7186",
    "6": "#c2437f",
    "bad": "#cd2e3b",
    "warn": "#c77c00",
    "good": "#2c9a57",
    "mute": "#8a8c9a",
    "p50": "#648ae6",
    "p95": "#3a62d0",
    "p99": "#1b3274",
    "previous": "#8a8c9a",
    "grid": "#ececf1",
    "base": "#cfcfd8",
    "text": "#6a6c7a",
    "threshold": "#8a5300",
}


def init_app(app: Flask) -> None:
    """Offer charts to templates."""
    app.jinja_env.globals.update(
        chart_svg=fluid_svg, chart_json=chart_json, chart_sentence=sentence, bars=bars
    )


def svg(chart: Chart, width: int, height: int, palette: dict[str, str] | None = None) -> Markup:
    """The chart at exactly `width` by `height` pixels; with a palette, colours are literal."""
    plot = width - LEFT - RIGHT
    pen = _Pen(chart, height, palette)
    inner = "".join(
        (
            *pen.grid(),
            *pen.spans(),
            *pen.series(),
            *pen.labels({"": plot}),
            *pen.threshold({"": plot}),
        )
    )
    return _markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="{_role(chart)}" aria-label="{_label(chart)}">'
        f'<svg x="{LEFT}" width="{plot}" height="{height}" overflow="visible">{inner}</svg></svg>'
    )


def fluid_svg(chart: Chart, height: int = 180) -> Markup:
    """The chart as wide as its container, without scaling its text; margins are charts.css's."""
    pen = _Pen(chart, height, None)
    inner = "".join(pen.all(WIDTHS))
    return _markup(
        f'<svg class="chart-plot" height="{height}" overflow="visible" role="{_role(chart)}"'
        f' aria-label="{_label(chart)}">{inner}</svg>'
    )


def chart_json(chart: Chart) -> Markup:
    """The Chart.js configuration, safe inside a script element of type application/json."""
    text = orjson.dumps(chartjs(chart)).decode()
    return _markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def bars(values: Sequence[float | None], width: int, height: int, top: float = 0) -> Markup:
    """The bars of a sparkline as one path: zero-based, a gap for None, a stub for a zero."""
    top = max([top, *(value or 0 for value in values)]) or 1
    step = width / max(1, len(values))
    parts = [
        f"M{_n(index * step)} {height}v{_n(-max(1.0, (value or 0) / top * (height - 1)))}"
        f"h{_n(max(1.0, step - 1))}V{height}z"
        for index, value in enumerate(values)
        if value is not None
    ]
    return _markup("".join(parts))


class _Pen:
    """Draws the parts of one chart; x in percent of the plot, y in pixels."""

    def __init__(self, chart: Chart, height: int, palette: dict[str, str] | None) -> None:
        self.chart = chart
        self.palette = palette
        self.ticks = chart.ticks()
        self.unit = chart.axis_unit
        self.top = chart.top
        self.bottom = height - BOTTOM
        self.scale = Scale.of(chart, height)

    def all(self, widths: dict[str, int]) -> Iterator[str]:
        """Everything from back to front, with labels for each of these widths of the plot."""
        yield from self.grid()
        yield from self.spans()
        yield from self.series()
        yield from self.labels(widths)
        yield from self.threshold(widths)

    def grid(self) -> Iterator[str]:
        for index, tick in enumerate(self.ticks):
            y = round(self._y(tick)) + 0.5
            paint = self._stroke(
                "base" if index == 0 else "grid", "c-base" if index == 0 else "c-grid"
            )
            yield f'<line x1="0" x2="100%" y1="{y}" y2="{y}" {paint}/>'
            yield self._text(-6, y + 3.5, self.unit.text(tick), "end")

    def spans(self) -> Iterator[str]:
        for span in self.chart.spans:
            since, until = self.chart.place(span.since), self.chart.place(span.until)
            yield (
                f'<rect x="{_n(since * 100, 2)}%" width="{_n(max(until - since, 0.002) * 100, 2)}%"'
                f' y="{self.top}" height="{_n(self.bottom - self.top)}"'
                f" {self._fill('bad', 'c-span', opacity=0.1)}/>"
            )

    def series(self) -> Iterator[str]:
        below = [0.0] * len(self.chart.buckets)
        for line in self.chart.series:
            if line.kind in STACKED:
                above = [b + (v or 0) for b, v in zip(below, line.values, strict=True)]
                if line.kind == "bar":
                    yield from self._bars(line, below)
                else:
                    yield self._stack(line, below, above)
                below = above
        for line in self.chart.series:
            if line.kind not in STACKED:
                yield self._lines(line)
                yield from self._dots(line)

    def labels(self, widths: dict[str, int]) -> Iterator[str]:
        y = self.bottom + 14
        for name, width in widths.items():
            css = f' class="c-at c-at-{name}"' if name else ""
            texts = (
                self._text(f"{_n(label.at * 100, 2)}%", y, label.text, "middle", day=label.day)
                for label in time_labels(self.chart, width)
            )
            flags = (self._flag(label, width) for label in marker_labels(self.chart, width))
            yield f"<g{css}>{''.join(texts)}{''.join(flags)}</g>"

    def threshold(self, widths: dict[str, int]) -> Iterator[str]:
        line = self.chart.threshold
        if line is None:
            return
        y = _n(self._y(line.value))
        paint = self._stroke("warn", "c-threshold", dash="4 3")
        yield f'<line x1="0" x2="100%" y1="{y}" y2="{y}" {paint}/>'
        words = f"{line.text} {amount(line.value, self.chart.unit)}"
        for name, width in widths.items():
            place = clearest(self.chart, self.scale, words, width)
            text = self._text(f"{_n(place.at * 100, 2)}%", place.foot, words, place.anchor,
                              css="c-t-threshold", hue="threshold")  # fmt: skip
            text = self._ground(place, words) + text if place.is_crossed else text
            yield f'<g class="c-at c-at-{name}">{text}</g>' if name else text

    def _ground(self, place: Place, words: str) -> str:
        """What hides the lines behind words that have no clear place."""
        length = len(words) * CHARACTER + 4
        moved = -2 if place.anchor == "start" else 2 - length
        paint = 'class="c-ground"' if self.palette is None else 'fill="#ffffff"'
        return (
            f'<rect x="{_n(place.at * 100, 2)}%" y="{_n(place.foot - ASCENT)}"'
            f' width="{_n(length)}" height="{ASCENT + DESCENT}"'
            f' transform="translate({_n(moved)})" {paint}/>'
        )

    def _bars(self, bars: Series, below: list[float]) -> Iterator[str]:
        share = 100 / len(self.chart.buckets)
        for index, value in enumerate(bars.values):
            if not value:
                continue
            high, low = self._y(below[index] + value), self._y(below[index])
            open_ = index >= self.chart.open_from
            css = f"c-bar c-{bars.role}{' c-bar-open' if open_ else ''}"
            yield (
                f'<rect x="{_n(index * share + share * 0.1, 2)}%" width="{_n(share * 0.8, 2)}%"'
                f' y="{_n(min(high, low - 1))}" height="{_n(max(1.0, low - high))}"'
                f" {self._fill(bars.role, css, opacity=0.4 if open_ else 1)}/>"
            )

    def _stack(self, line: Series, below: list[float], above: list[float]) -> str:
        """An area between two heights, with a line along the upper one; paler where unfinished."""
        upper = [self._at(index, value) for index, value in enumerate(above)]
        lower = [self._at(index, value) for index, value in enumerate(below)]
        whole = min(self.chart.open_from, len(upper))
        css, parts = f"c-stack c-{line.role}", []
        for part, is_open in ((slice(whole), False), (slice(max(0, whole - 1), None), True)):
            if is_open and whole == len(upper):
                continue
            area = f"{_path(upper[part])}L{_path(lower[part][::-1])[1:]}Z" if upper[part] else ""
            paint = self._fill(line.role, f"{css} c-stack-open" if is_open else css,
                               opacity=0.2 if is_open else 0.5)  # fmt: skip
            parts.append(f'<path d="{area}" {paint}/>')
        return self._stretched([*parts, *self._edge(line.role, upper)])

    def _edge(self, role: str, points: Sequence[tuple[float, float] | None]) -> Iterator[str]:
        """A line, dashed where the data is not whole yet."""
        whole, css = min(self.chart.open_from, len(points)), f"c-line c-{role}"
        yield f'<path d="{_path(points[:whole])}" {self._stroke(role, css)}/>'
        if whole < len(points):
            dash = self._stroke(role, f"{css} c-dash", dash="3 3")
            yield f'<path d="{_path(points[max(0, whole - 1) :])}" {dash}/>'

    def _lines(self, line: Series) -> str:
        """Line and area in a separate, stretched viewport; strokes keep their width."""
        points = [self._point(index, value) for index, value in enumerate(line.values)]
        parts = []
        if line.kind == "area":
            area = "".join(self._area(run) for run in _runs(points))
            parts.append(
                f'<path d="{area}" {self._fill(line.role, f"c-area c-{line.role}", 0.14)}/>'
            )
        return self._stretched([*parts, *self._edge(line.role, points)])

    def _stretched(self, parts: Sequence[str]) -> str:
        height = _n(self.bottom + BOTTOM)
        return (
            f'<svg width="100%" height="{height}" viewBox="0 0 {LINES} {height}"'
            f' preserveAspectRatio="none">{"".join(parts)}</svg>'
        )

    def _dots(self, line: Series) -> Iterator[str]:
        """Dots for single values between two gaps, which no line shows."""
        for index, (value, alone) in enumerate(zip(line.values, lone(line.values), strict=True)):
            if alone and value is not None:
                x = (index + 0.5) * 100 / len(line.values)
                paint = self._fill(line.role, f"c-dot c-{line.role}")
                yield f'<circle cx="{_n(x, 2)}%" cy="{_n(self._y(value))}" r="{DOT}" {paint}/>'

    def _flag(self, label: Label, width: int) -> str:
        """A marker's line and text; the others that it stands for are ticks on the axis."""
        x = f"{_n(label.at * 100, 2)}%"
        before = flag_box(label, width)[0] < label.at * width
        css = "c-marker" if label.tone == "mute" else f"c-marker c-marker-{label.tone}"
        paint = self._stroke(label.tone, css, dash="2 2")
        lines = [f'<line x1="{x}" x2="{x}" y1="3" y2="{self.bottom}" {paint}/>']
        for at in label.before:
            place = f'x1="{_n(at * 100, 2)}%" x2="{_n(at * 100, 2)}%" y2="{self.bottom}"'
            tick = self._stroke(label.tone, f"{css} c-tick")
            lines.append(f'<line {place} y1="{self.bottom - TICK}" {tick}/>')
        text = self._text(x, 11, label.text, "end" if before else "start", css="c-t-mark",
                          shift=-5 if before else 5)  # fmt: skip
        if self.palette is not None or not label.url:
            return "".join([*lines, text])
        words, url = Markup.escape(label.words), Markup.escape(label.url)
        link = f'<a class="c-flag" href="{url}"><title>{words}</title>{text}</a>'
        return "".join([*lines, link])

    def _area(self, run: list[tuple[float, float]]) -> str:
        base = _n(self._y(max(0.0, self.ticks[0])))
        return f"{_path(run)}L{_n(run[-1][0])} {base}L{_n(run[0][0])} {base}Z"

    def _point(self, index: int, value: float | None) -> tuple[float, float] | None:
        return None if value is None else self._at(index, value)

    def _at(self, index: int, value: float) -> tuple[float, float]:
        return (index + 0.5) * LINES / len(self.chart.buckets), self._y(value)

    def _y(self, value: float) -> float:
        return self.scale.y(value)

    def _text(
        self, x: float | str, y: float, text: str, anchor: str, *, day: bool = False,
        css: str = "", hue: str = "text", shift: int = 0,
    ) -> str:  # fmt: skip
        css = css or ("c-t-day" if day else "")
        paint = f' class="{css}"' if css else ""
        if self.palette is not None:
            family = "sans-serif"
            paint = f' fill="{self.palette[hue]}" font-size="11" font-family="{family}"'
            paint += HALO if css else ""
        moved = f' dx="{shift}"' if shift else ""
        words = Markup.escape(text)
        return f'<text x="{x}" y="{_n(y)}"{moved} text-anchor="{anchor}"{paint}>{words}</text>'

    def _stroke(self, role: str, css: str, dash: str = "") -> str:
        scaled = 'vector-effect="non-scaling-stroke"'
        if self.palette is None:
            return f'class="{css}" {scaled}'
        width = 1 if role in {"grid", "base", "mute", "warn", "previous"} else 1.5
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        hue = self.palette[role]
        return f'fill="none" stroke="{hue}" stroke-width="{width}"{dashes} {scaled}'

    def _fill(self, role: str, css: str, opacity: float = 1) -> str:
        if self.palette is None:
            return f'class="{css}"'
        return f'fill="{self.palette[role]}" fill-opacity="{opacity}"'


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The points between gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    return "".join("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in run) for run in _runs(points))


def _role(chart: Chart) -> str:
    """A picture, or a group where markers are links in it."""
    return "group" if any(marker.url for marker in chart.markers) else "img"


def _label(chart: Chart) -> Markup:
    return Markup.escape(sentence(chart))


def _markup(drawn: str) -> Markup:
    return Markup(drawn)  # noqa: S704 - numbers, our own classes, and texts that were escaped


def _n(value: float, digits: int = 1) -> str:
    """A coordinate without needless digits."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else str(round(value))
