"""Lines, bars and borders that mean something stand out from what they stand on, in both themes."""

import re

import pytest

from console.web.assets import STATIC

LEAST = 3.0  # WCAG 2.2, 1.4.11: contrast of what is no text
MEANINGFUL = re.compile(r"series-|ramp-|line-control|.*-strong$|focus|accent$")
DECORATION = {"line-strong"}  # of menus and dialogs, which a shadow sets apart too
SHEET = (STATIC / "css/tokens.css").read_text()
LIGHT, DARK = SHEET.partition("@media")[0], SHEET.partition('[data-theme="dark"] {')[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_means_something_is_seen(theme):
    colours = _colours(LIGHT) | (_colours(DARK) if theme == "dark" else {})
    names = {name for name in colours if MEANINGFUL.match(name)} - DECORATION
    assert len(names) > 15
    for ground in ("surface", "page"):
        faint = {
            name: round(_contrast(colours[name], colours[ground]), 2)
            for name in names
            if _contrast(colours[name], colours[ground]) < LEAST
        }
        assert faint == {}, ground


def _colours(sheet: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet))


def _contrast(first: str, second: str) -> float:
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
