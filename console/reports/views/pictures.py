"""Pictures of an edition inside a page that fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping

from console.reports import letter
from console.reports.content import Frozen


def embedded(frozen: Frozen) -> Mapping[str, str]:
    """The drawings as addresses that hold the picture itself."""
    return {
        name: letter.embedded(letter.picture_of(name, svg)) for name, svg in frozen.drawings.items()
    }
