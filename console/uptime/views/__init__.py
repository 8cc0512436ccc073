"""The pages of uptime; each module adds its addresses to the blueprint."""

from console.uptime.views import checks, heartbeats, maintenance
from console.uptime.views.beats import beats
from console.uptime.views.blueprint import bp

__all__ = ["beats", "bp", "checks", "heartbeats", "maintenance"]
