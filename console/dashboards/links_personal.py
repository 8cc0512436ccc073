"""What looks personal in a page that outsiders will see: shown to people before they share it.

These are guesses by shape. They miss what has no shape, so people are asked to look as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import unescape

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
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
    plain = _SCRIPT.sub(" ", html)
    labels = " ".join(_LABEL.findall(plain))
    return unescape(f"{_TAG.sub(' ', plain)} {labels}")


def findings(place: str, text: str, names: Collection[str] = ()) -> Iterator[Finding]:
    """What looks personal in a text; `names` belong to people who are known here."""
    for sort, shape in SHAPES.items():
        samples = dict.fromkeys(match[0] for match in shape.finditer(text))
        for sample in list(samples)[:MOST_SAMPLES]:
            yield Finding(place, sort, sample[:80])
    for name in sorted(set(names)):
        is_long = len(name) >= SHORTEST_NAME
        if is_long and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            yield Finding(place, "Name of a member", name)
