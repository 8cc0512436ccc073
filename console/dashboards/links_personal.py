"""What looks personal in a page that outsiders will see: shown to people before they share it.

These are guesses by shape. They miss what has no shape, so people are asked to look as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import unescape

import nh3

_LABEL = re.compile(r'\b(?:aria-label|title)="([^"]*)"')
SHORTEST_NAME = 4
MOST_SAMPLES = 3
"""Of one sort in one place."""
SHAPES = {
    "E-mail address": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+"),
    "IP address": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
    "Id": re.compile(
        r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<=/)\d{2,}(?=[/\s?]|$)"
        r"|(?<![\d.,])\d{9,}(?![\d.,])",
        re.IGNORECASE,
    ),
    "Token": re.compile(
        r"(?<![\w/.-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])(?!(?:[0-9a-f]{8}-))[\w-]{24,}(?![\w/-])"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something on a page that looks personal: where it stands, what it seems to be, and it."""

    place: str
    sort: str
    sample: str


def text_of(html: str) -> str:
    """What a reader of HTML sees, and what screen readers say."""
    labels = " ".join(_LABEL.findall(html))
    plain = nh3.clean(html.replace("<", " <"), tags=set())  # scripts go with what is in them
    return unescape(f"{plain} {labels}")


def findings(place: str, text: str, names: Collection[str] = ()) -> Iterator[Finding]:
    """What looks personal in a text; `names` belong to people who are known here."""
    for sort, shape in SHAPES.items():
        samples = dict.fromkeys(match[0] for match in shape.finditer(text))
        for sample in list(samples)[:MOST_SAMPLES]:
            yield Finding(place, sort, sample[:80])
    for name in sorted(set(names)):
        if len(name) >= SHORTEST_NAME and _stands_alone(name, text):
            yield Finding(place, "Name of a member", name)


def _stands_alone(name: str, text: str) -> bool:
    """Whether a name is in a text and no part of a longer word."""
    place = text.find(name)
    while place >= 0:
        around = text[max(place - 1, 0) : place] + text[place + len(name) : place + len(name) + 1]
        if not any(letter.isalnum() or letter == "_" for letter in around):
            return True
        place = text.find(name, place + 1)
    return False
