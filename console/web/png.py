"""Drawings as PNG, for where no SVG is shown: mail and chat."""

import re
from functools import cache
from importlib.resources import files

import resvg_py

FONT = "Source Sans Pro"
SHARP = 2
"""Pixels per unit of the drawing: screens of phones and laptops have as many."""
# Characters that no XML may have (w3.org/TR/xml, "Characters"): clients name releases with them.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_png(svg: str, background: str = "#ffffff") -> bytes:
    """The PNG of an SVG of fixed size, twice as large; raises ValueError for another.

    Without a background, it is transparent.

    Without a font the renderer drops every letter in silence, so ours is always there. Fonts of the
    system stand in for scripts that it lacks.
    """
    return resvg_py.svg_to_bytes(
        svg_string=_NO_XML.sub("\N{REPLACEMENT CHARACTER}", svg),
        background=background or None,
        zoom=SHARP,
        font_files=list(_fonts()),
        font_family=FONT,
        sans_serif_family=FONT,
    )


@cache
def _fonts() -> tuple[str, ...]:
    """The files of the font that comes with the console."""
    folder = files("font_source_sans_pro").joinpath("files")
    names = ("SourceSansPro-Regular.otf", "SourceSansPro-Semibold.otf")
    return tuple(str(folder.joinpath(name)) for name in names)
