"""The pages of alerts; each module adds its addresses to the blueprint."""

from console.alerting.views import (
    channels,
    composite,
    deliveries,
    editor,
    escalating,
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

__all__ = [
    "bp",
    "channels",
    "composite",
    "deliveries",
    "editor",
    "escalating",
    "incidents",
    "links",
    "notifications",
    "response",
    "rules",
    "silences",
    "versions",
    "watching",
]
