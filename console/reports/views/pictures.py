"""Pictures of an edition inside a page that fetches nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from console.reports.content import Frozen
from console.reports.letter import picture_of


def embedded(frozen: Frozen) -> Mapping[str, str]:
    """The drawings as addresses that hold the picture itself."""
    return {
        name: f"data:image/png;base64,{b64encode(picture_of(name, svg)).decode()}"
        for name, svg in frozen.drawings.items()
    }
