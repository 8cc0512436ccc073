"""How releases fare by their sessions: how many use them, and how many of these do not crash."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from console.errors import metrics
from console.telemetry.metric import Reading
from console.telemetry.scope import Scope

MOST = 100


@dataclass(frozen=True, slots=True)
class Health:
    """A release's share of all sessions, and the share of its sessions that did not crash."""

    adoption: Reading
    crash_free: Reading

    @property
    def says_enough(self) -> bool:
        """Whether the share without a crash says more than chance would."""
        return metrics.CRASH_FREE.is_enough(self.crash_free)


def of_releases(scope: Scope, releases: Collection[str]) -> Mapping[str, Health]:
    """The health of those among these releases that had sessions in the scope."""
    named = sorted({release for release in releases if release})[:MOST]
    if not named:
        return {}
    where = {"release": named}
    adoption = metrics.ADOPTION.value(scope, "release", where=where, limit=MOST).by_value
    crash_free = metrics.CRASH_FREE.value(scope, "release", where=where, limit=MOST).by_value
    return {
        release: Health(adoption[release], crash_free[release])
        for release in named
        if release in adoption and release in crash_free
    }
