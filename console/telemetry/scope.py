"""The scope of a question: whose rows, of which time, seen through which filters."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """First argument of every question; the organization picks the file and the predicate.

    Times are aware UTC, `since` included and `until` excluded. An empty filter passes everything.
    """

    organization_id: int
    project_id: int
    since: datetime
    until: datetime
    environment: str = ""
    release: str = ""
    status_class: str = ""
    """First digit of the HTTP status, "1" to "5"; asked of requests alone."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Names and values that a request's attributes must have; asked of requests alone."""

    def __post_init__(self) -> None:
        """Refuse naive or reversed times: a scope that selects nothing by mistake hides data."""
        if self.since.tzinfo is None or self.until.tzinfo is None:
            message = "a Scope needs aware times"
            raise ValueError(message)
        if self.since > self.until:
            message = "a Scope ends before it begins"
            raise ValueError(message)

    @property
    def length(self) -> timedelta:
        """How much time it covers."""
        return self.until - self.since

    def around(self, moment: datetime, margin: timedelta) -> Self:
        """The same scope within `margin` of `moment`, which a link gave as a hint."""
        return replace(self, since=moment - margin, until=moment + margin)

    def between(self, since: datetime, until: datetime) -> Self:
        """The same scope of another stretch of time."""
        return replace(self, since=since, until=until)

    def before(self) -> Self:
        """The period of the same length that ends where this one begins."""
        return replace(self, since=self.since - self.length, until=self.since)
