"""Pictures of an edition inside a page that fetches nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from console.reports.content import Frozen
from console.web.png import render_png


def embedded(frozen: Frozen) -> Mapping[str, str]:
    """The charts as addresses that hold the picture itself."""
    return {
        name: f"data:image/png;base64,{b64encode(render_png(block.svg)).decode()}"
        for name, block in frozen.charts
    }
