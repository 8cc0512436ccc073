"""The blueprint of performance for scripts, and what its answers have in common."""

from typing import Any, Protocol

from flask import Blueprint

from console.accounts.models import Project
from console.performance.latency import Change
from console.telemetry.scope import Scope
from console.web.api import Stretch

bp = Blueprint(
    "performance_api",
    __name__,
    url_prefix="/api/v1/<slug:organization>/<slug:project>/performance",
)
SCOPE = "performance:read"


class Bounded(Protocol):
    """A valid form that knows its stretch of time."""

    @property
    def shown(self) -> Stretch:
        """The time and environment that it asks for."""
        ...


def scope_of(project: Project, form: Bounded, **filters: Any) -> Scope:
    """The scope of an answer."""
    return Scope.of(project, form.shown, **filters)


def milliseconds(microseconds: float) -> float:
    """A duration as answers give it."""
    return round(microseconds / 1000, 3)


def earlier(change: Change | None) -> float | None:
    """A P95 before, in milliseconds, if there is something to compare with."""
    return milliseconds(change.then) if change else None


def latest(change: Change | None) -> float | None:
    """A P95 now, in milliseconds, if there is something to compare it with."""
    return milliseconds(change.now) if change else None
