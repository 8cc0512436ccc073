"""The pages of dashboards: the list, a dashboard, its tiles, the editor, and what links show."""

from console.dashboards.views import (
    annotations,
    board,
    charts,
    editor,
    importing,
    links,
    listing,
    moved,
    saving,
    shared,
    tile_editor,
    variables,
    versions,
    wall,
)
from console.dashboards.views.blueprint import bp, organization_bp

__all__ = [
    "annotations",
    "board",
    "bp",
    "charts",
    "editor",
    "importing",
    "links",
    "listing",
    "moved",
    "organization_bp",
    "saving",
    "shared",
    "tile_editor",
    "variables",
    "versions",
    "wall",
]
