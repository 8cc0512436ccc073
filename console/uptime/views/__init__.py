"""The pages of uptime; each module adds its addresses to the blueprint."""

from console.uptime.views import checks, heartbeats, maintenance, silent, status_pages
from console.uptime.views.beats import beats
from console.uptime.views.blueprint import bp
from console.uptime.views.status_pages import public

__all__ = ["beats", "bp", "checks", "heartbeats", "maintenance", "public", "silent", "status_pages"]
