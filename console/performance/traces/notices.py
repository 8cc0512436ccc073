"""Notices above a waterfall: what was corrected in it, and what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from console.performance.traces.tree import Tree
from console.web.filters import duration


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence with its tone: `warn` if something is missing, else `info`."""

    tone: Literal["info", "warn"]
    text: str


def notices(tree: Tree, *, stored: int, unshown: int) -> list[Notice]:
    """The notices of a trace with `stored` spans, of which `unshown` are on no row."""
    return [*_missing(tree, stored, unshown), *_put_right(tree)]


def _missing(tree: Tree, stored: int, unshown: int) -> Iterator[Notice]:
    read = len(tree.nodes) + tree.duplicates
    if stored > read:
        text = f"The trace has {stored:,} spans; the first {read:,} by start are read."
        yield Notice("warn", text)
    if unshown:
        text = f"{_spans(unshown)} not shown: open a row, filter or zoom to see them."
        yield Notice("info", text)
    if tree.orphans:
        text = f"{_spans(tree.orphans)} shown under another span: the parent never arrived."
        yield Notice("warn", text)
    if tree.headless:
        many = tree.headless > 1
        subject = f"{tree.headless:,} parts of this trace were" if many else "This trace was"
        yield Notice(
            "info", f"{subject} called by a span that is not here: it reports elsewhere or not."
        )
    if tree.loose:
        count = len(tree.loose)
        subject = "1 error names" if count == 1 else f"{count:,} errors name"
        yield Notice("warn", f"{subject} no span of this trace, and so has no row.")


def _put_right(tree: Tree) -> Iterator[Notice]:
    if tree.skewed:
        text = (
            f"Clocks differ between machines: {_spans(tree.skewed)} moved into the span that called"
            f" them, by up to {duration(tree.skew)}."
        )
        yield Notice("info", text)
    if tree.early:
        many = tree.early > 1
        verb = "start before their parents" if many else "starts before its parent"
        count = f"{tree.early:,} spans" if many else "1 span"
        yield Notice(
            "info", f"{count} {verb} by the same clock; times are shown as they were sent."
        )
    if tree.cycles:
        many = tree.cycles > 1
        subject = f"{tree.cycles:,} circles" if many else "A circle"
        yield Notice(
            "warn", f"{subject} of spans that call each other: cut open at the first span."
        )
    if tree.duplicates:
        yield Notice("info", f"{_spans(tree.duplicates)} left out: sent more than once.")


def _spans(count: int) -> str:
    return "1 span is" if count == 1 else f"{count:,} spans are"
