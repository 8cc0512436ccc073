"""The pages of dashboards: the list, a dashboard, and its tiles, which load by themselves."""

from console.dashboards.views import board
from console.dashboards.views.blueprint import bp

__all__ = ["board", "bp"]
