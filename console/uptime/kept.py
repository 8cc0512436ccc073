"""Results that telemetry did not take: they are kept in memory, within bounds, until it does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import cast

from flask import Flask, current_app

from console.core import clock
from console.telemetry import store
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.kinds import CHECK_RESULTS
from console.telemetry.records import CheckResult
from console.uptime.results import RUN

EXTENSION = "pharos.kept-results"
MOST = 20_000
"""Results of all organizations together, about 20 MB: of 100 checks a minute, three hours."""

log = logging.getLogger(__name__)


class Kept:
    """The results that wait, by organization."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._lock = Lock()
        self._waiting: dict[int, list[CheckResult]] = {}

    def take(self, organization_id: int) -> list[CheckResult]:
        """The results of an organization, for a caller who stores them or keeps them again."""
        with self._lock:
            return self._waiting.pop(organization_id, [])

    def keep(self, organization_id: int, results: Sequence[CheckResult]) -> int:
        """Keep results; returns how many of the organization's oldest find no room."""
        with self._lock:
            waiting = [*self._waiting.get(organization_id, []), *results]
            waiting.sort(key=lambda result: result.timestamp)
            rest = sum(len(own) for id_, own in self._waiting.items() if id_ != organization_id)
            dropped = min(max(0, rest + len(waiting) - MOST), len(waiting))
            self._waiting[organization_id] = waiting[dropped:]
            return dropped

    def organizations(self) -> Sequence[int]:
        """The organizations whose results wait."""
        with self._lock:
            return [id_ for id_, waiting in self._waiting.items() if waiting]


def init_app(app: Flask) -> None:
    """Give the app a place for what telemetry does not take."""
    app.extensions[EXTENSION] = Kept()


def current() -> Kept:
    """Return the running app's kept results."""
    return cast("Kept", current_app.extensions[EXTENSION])


def store_or_keep(organization_id: int, results: Sequence[CheckResult]) -> None:
    """Store results; while telemetry takes none, they are kept, and checks move on time.

    Where some wait already, these join them: the job that stores them later tries all of them once
    in a while, and not with each check. The log says it once, the job says it on the Intake page.
    """
    is_waiting = organization_id in current().organizations()
    try:
        if not is_waiting:
            _write(organization_id, results)
            return
    except TelemetryUnavailable as error:
        log.warning("results of checks of organization %d wait: %s", organization_id, error)
    dropped = current().keep(organization_id, results)
    if dropped:
        log.warning("%d results of checks found no room while they waited", dropped)


def store_waiting(organization_id: int) -> Mapping[str, int]:
    """Store what waits in an organization; raises TelemetryUnavailable while it must go on."""
    waiting = current().take(organization_id)
    try:
        _write(organization_id, waiting)
    except TelemetryUnavailable:
        current().keep(organization_id, waiting)
        raise
    return {"late results of checks stored": len(waiting)}


def end() -> None:
    """Store what waits before the process ends, or say that it is lost."""
    for organization_id in current().organizations():
        try:
            store_waiting(organization_id)
        except TelemetryUnavailable as error:
            lost = len(current().take(organization_id))
            log.warning("%d results of checks are lost: %s", lost, error)


def _write(organization_id: int, results: Sequence[CheckResult]) -> None:
    if results:
        now = clock.now()  # what was decided while they waited is looked at again
        received = [replace(result, received_at=now) for result in results]
        store.current().write_own(organization_id, received, RUN, CHECK_RESULTS)
