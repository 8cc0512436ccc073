"""The pages of dashboards: the list, a dashboard, its tiles, and the editor."""

from console.dashboards.views import (
    board,
    editor,
    listing,
    moved,
    saving,
    tile_editor,
    variables,
    versions,
    wall,
)
from console.dashboards.views.blueprint import bp, organization_bp

__all__ = [
    "board",
    "bp",
    "editor",
    "listing",
    "moved",
    "organization_bp",
    "saving",
    "tile_editor",
    "variables",
    "versions",
    "wall",
]
