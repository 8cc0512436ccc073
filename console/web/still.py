"""What pages draw beside numbers, as SVG of fixed size in literal colours: for mail and paper."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from markupsafe import Markup

from console.web.drawing import LIGHT, bars
from console.web.filters import compact
from console.web.histogram import Histogram

WIDTH, HEIGHT = 552, 190
"""Pixels of a drawing in a mail of 600."""
SPARK = (232, 26)
ROW = (148, 14)
"""Pixels of what stands in a row of a table."""
TALL = {"bad": 1.0, "warn": 0.8, "good": 0.6}
SYSTEM = ' font-size="11" font-family="sans-serif"'


class Toned(Protocol):
    """A stretch of time with how it went: bad, warn, good, or mute."""

    @property
    def tone(self) -> str:
        """How it went."""
        ...


def spark(values: Sequence[float | None]) -> Markup:
    """The course of a number as small bars; "" if it has none."""
    if not any(values):
        return Markup("")
    width, height = SPARK
    path = f'<path d="{bars(values, width, height)}" fill="{LIGHT["mute"]}"/>'
    return drawing(path, width, height)


def strip(cells: Sequence[Toned]) -> Markup:
    """The past of a check in cells; the worse, the taller."""
    width, height = ROW
    step = width / (len(cells) or 1)
    parts = []
    for place, cell in enumerate(cells):
        tall = max(3.0, height * TALL.get(cell.tone, 0))
        parts.append(
            f'<rect x="{place * step:.1f}" y="{height - tall:.1f}" width="{step * 0.8:.1f}"'
            f' height="{tall:.1f}" fill="{LIGHT[cell.tone]}"/>'
        )
    return drawing("".join(parts), width, height)


def shares(parts: Iterable[tuple[str, float]]) -> Markup:
    """Shares of a whole side by side, each of a hue; what is left of it stays pale."""
    width, height = ROW
    at, drawn = 0.0, [f'<rect width="{width}" height="8" y="3" fill="{LIGHT["grid"]}"/>']
    for hue, share in parts:
        long = max(0.0, min(1.0, share)) * width
        rect = f'<rect x="{at:.1f}" y="3" width="{long:.1f}" height="8" fill="{LIGHT[hue]}"/>'
        drawn.append(rect)
        at += long
    return drawing("".join(drawn), width, height)


def histogram(own: Histogram) -> Markup:
    """A histogram with its percentiles and its axis."""
    base, lines = HEIGHT - 20, own.lines()
    room = 18 + 12 * max((mark.level for mark in lines), default=0)
    parts = [f'<line x1="0" x2="{WIDTH}" y1="{base}.5" y2="{base}.5" stroke="{LIGHT["base"]}"/>']
    for bar in own.bars():
        if bar.count:
            tall = max(1.0, bar.height * (base - room))
            x, wide = (bar.x + bar.width * 0.06) * WIDTH, bar.width * 0.88 * WIDTH
            parts.append(
                f'<rect x="{x:.1f}" y="{base - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
                f' fill="{LIGHT["p95"]}"/>'
            )
    for mark in lines:
        x = mark.x * WIDTH
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{base}" stroke="{LIGHT["mute"]}"'
            ' stroke-dasharray="2 2"/>'
        )
        place, anchor = (x - 4, "end") if mark.is_left else (x + 4, "start")
        parts.append(text(place, 10 + mark.level * 12, mark.text, anchor))
    parts += [text(mark.x * WIDTH, base + 14, mark.text, edge(mark.x)) for mark in own.axis()]
    parts.append(text(0, 10, compact(own.top), "start"))
    return drawing("".join(parts), WIDTH, HEIGHT)


def edge(share: float) -> str:
    """How a text is anchored that stands at a share of the width, so that it is not cut."""
    return "start" if share < 0.05 else "end" if share > 0.95 else "middle"


def text(x: float, y: float, words: str, anchor: str) -> str:
    """A text of a drawing."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{LIGHT["text"]}"{SYSTEM}>'
        f"{Markup.escape(words)}</text>"
    )


def drawing(inner: str, width: int, height: int) -> Markup:
    """The drawing with these parts."""
    return Markup(  # noqa: S704 - numbers, our own colours, and texts that were escaped
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">{inner}</svg>'
    )
