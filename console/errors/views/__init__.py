"""The pages of errors: the inbox, an issue with its events, and what people do with them."""

from console.errors.views import (
    deletion,
    event,
    inbox,
    issue,
    project,
    saved_views,
    transaction,
    triage,
)
from console.errors.views.blueprint import bp

__all__ = [
    "bp",
    "deletion",
    "event",
    "inbox",
    "issue",
    "project",
    "saved_views",
    "transaction",
    "triage",
]
