"""The scope of a query: its organization, project, time range and filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from console.telemetry.event_terms import EventTerm
    from console.web.api import Stretch
    from console.web.timerange import Range


class Owned(Protocol):
    """A project, as far as a scope needs it."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def organization_id(self) -> int:
        """The organization that owns it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The first argument of every query; the organization picks the file and the predicate.

    Times are aware UTC, `since` included and `until` excluded. An empty filter passes everything.
    """

    organization_id: int
    project_id: int
    since: datetime
    until: datetime
    environment: str = ""
    release: str = ""
    status_class: str = ""
    """First digit of the HTTP status, "1" to "5"; a filter for requests alone."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Names and values that a request's attributes must have; a filter for requests alone."""
    text: str = ""
    """Part of an endpoint's or a page's name, in any case; filters requests and page loads."""

    facts: tuple[tuple[str, str], ...] = ()
    """Names and values that an error event must have, tags and columns (`facts.having`)."""
    terms: tuple[EventTerm, ...] = ()
    """What a search wants of error events, beside facts."""

    def __post_init__(self) -> None:
        """Refuse naive or reversed times: a scope that selects nothing by mistake hides data."""
        if self.since.tzinfo is None or self.until.tzinfo is None:
            message = "a Scope needs aware times"
            raise ValueError(message)
        if self.since > self.until:
            message = "a Scope ends before it begins"
            raise ValueError(message)

    @classmethod
    def of(cls, project: Owned, shown: Range | Stretch, **filters: Any) -> Self:
        """What a page's top bar or a question of the API covers, and its filters: one value.

        On a page it begins with the first bucket of the charts, so that sums and charts agree.
        """
        return cls(
            organization_id=project.organization_id,
            project_id=project.id,
            since=shown.start,
            until=shown.until,
            environment=shown.environment,
            **filters,
        )

    @property
    def length(self) -> timedelta:
        """How much time it covers."""
        return self.until - self.since

    @property
    def anywhere(self) -> Self:
        """The same scope in all environments."""
        return replace(self, environment="")

    def holds(self, at: datetime, environment: str) -> bool:
        """Whether what happened then and there is inside."""
        return self.since <= at < self.until and self.environment in {"", environment}

    def around(self, moment: datetime, margin: timedelta) -> Self:
        """The same scope within `margin` of `moment`, which a link gave as a hint."""
        return replace(self, since=moment - margin, until=moment + margin)

    def between(self, since: datetime, until: datetime) -> Self:
        """The same scope with another time range."""
        return replace(self, since=since, until=until)

    def earlier(self, by: timedelta) -> Self:
        """The same scope, `by` earlier."""
        return replace(self, since=self.since - by, until=self.until - by)

    def before(self) -> Self:
        """The time range of the same length that ends where this one begins."""
        return self.earlier(self.length)
