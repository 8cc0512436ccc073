"""The pages of uptime; each module adds its addresses to the blueprint."""

from console.uptime.views import checks, maintenance
from console.uptime.views.blueprint import bp

__all__ = ["bp", "checks", "maintenance"]
