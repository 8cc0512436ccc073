"""The values of dimensions that filters offer: the ones that came in the last days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from flask import Flask, current_app

from console.accounts.models import Project
from console.core import clock
from console.telemetry.metric import Metric
from console.telemetry.scope import Scope

EXTENSION = "pharos.known_values"
BACK, FRESH = timedelta(days=7), timedelta(minutes=1)
MOST, LONGEST = 50, 200
KEPT = 200
"""Answers that are remembered; a form is drawn anew whenever a level of it moves."""
Key = tuple[int, int, str, str]


@dataclass(slots=True)
class Remembered:
    """The latest answers, by organization, project, metric and dimension."""

    answers: dict[Key, tuple[datetime, Sequence[str]]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: Key) -> Sequence[str] | None:
        """The answer, if it is fresh."""
        at, values = self.answers.get(key, (None, ()))
        return values if at is not None and abs(clock.now() - at) < FRESH else None

    def put(self, key: Key, values: Sequence[str]) -> None:
        """Remember an answer; the oldest one is forgotten for it."""
        with self.lock:
            while len(self.answers) >= KEPT:
                del self.answers[next(iter(self.answers))]
            self.answers.pop(key, None)
            self.answers[key] = clock.now(), values


def init_app(app: Flask) -> None:
    """Give the app its memory."""
    app.extensions[EXTENSION] = Remembered()


def known_values(project: Project, metric: Metric) -> Mapping[str, Sequence[str]]:
    """The values of all dimensions of a metric, each with the most frequent first."""
    return {name: known_values_of(project, metric, name) for name in metric.dimensions}


def known_values_of(project: Project, metric: Metric, dimension: str) -> Sequence[str]:
    """The most frequent values of a dimension in the last days, MOST at most."""
    remembered: Remembered = current_app.extensions[EXTENSION]
    key = project.organization_id, project.id, metric.id, dimension
    values = remembered.get(key)
    if values is None:
        until = clock.now()
        scope = Scope(
            organization_id=project.organization_id,
            project_id=project.id,
            since=until - BACK,
            until=until,
        )
        values = [
            value for value in metric.known(scope, dimension, MOST) if 0 < len(value) <= LONGEST
        ]
        remembered.put(key, values)
    return values
