"""The pages of alerts; each module adds its addresses to the blueprint."""

from console.alerting.views import (
    channels,
    composite,
    deliveries,
    editor,
    escalating,
    hooks,
    incidents,
    links,
    notifications,
    response,
    rules,
    silences,
    versions,
    watching,
)
from console.alerting.views.blueprint import bp

BESIDE_PROJECTS = (channels.bp, hooks.bp, links.bp, notifications.bp)
"""The blueprints of pages that belong to an organization, or to whoever follows a link."""

__all__ = [
    "BESIDE_PROJECTS",
    "bp",
    "channels",
    "composite",
    "deliveries",
    "editor",
    "escalating",
    "hooks",
    "incidents",
    "links",
    "notifications",
    "response",
    "rules",
    "silences",
    "versions",
    "watching",
]
