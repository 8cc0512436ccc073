"""Which releases have a fix: those later than all that its project had when it was made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from console.accounts import releases
from console.accounts.versions import compare, package_of
from console.core.db import db
from console.errors.models import Issue, IssueRelease, Status
from console.telemetry.records import ErrorEvent

RELEASE = 200  # as wide as its columns
VERSION, APPEARANCE = "version", "appearance"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a release has the fix of an issue, and how that is known."""

    is_later: bool
    base: str = ""
    """The release that it was compared with."""
    by: str = ""
    """VERSION where the names tell it, APPEARANCE where only the order in which they came does."""

    @property
    def details(self) -> dict[str, str]:
        """What the issue's history says of it."""
        return {"compared_with": self.base, "compared_by": self.by}


def latest_of(issues: Sequence[Issue]) -> dict[int, str]:
    """The latest release that the project of each issue knows, of the issue's own package."""
    known = {
        project_id: releases.noted(project_id) for project_id in {i.project_id for i in issues}
    }
    latest = {}
    for issue in issues:
        noted = known[issue.project_id].get(package_of(issue.last_release), ())
        latest[issue.id] = releases.latest_of([release.version for release in noted])
    return latest


def judged(
    issues: Sequence[Issue], arrived: Mapping[int, Sequence[ErrorEvent]]
) -> dict[tuple[int, str], Verdict]:
    """A verdict by issue and release for all events of issues that wait for a later release."""
    waiting = [
        issue for issue in issues if issue.status is Status.RESOLVED and issue.fixed_in_next_release
    ]
    if not waiting:
        return {}
    seen = _seen_before(waiting)
    history = _History()
    verdicts = {}
    for issue in waiting:
        for release in {event.release[:RELEASE] for event in arrived[issue.id]}:
            verdict = _verdict(issue, release, seen.get(issue.id, set()), history)
            verdicts[issue.id, release] = verdict
    return verdicts


class _History:
    """The releases of projects, each read once for a batch."""

    def __init__(self) -> None:
        self._noted: dict[int, Mapping[str, Sequence[releases.Noted]]] = {}
        self._before: dict[tuple[int, str], set[str]] = {}
        self._reached: dict[tuple[int, str], datetime | None] = {}

    def known(self, project_id: int, release: str, at: datetime) -> list[str]:
        """The releases of a release's package that the console knew at a time, as they came."""
        noted = self._of_package(project_id, release)
        return [known.version for known in noted if known.at <= at]

    def reached(self, project_id: int, release: str) -> datetime | None:
        """Since when the console knows the release or a later version of its package.

        A project may have 20,000 releases: they are compared once, and not for each issue.
        """
        key = project_id, release
        if key not in self._reached:
            orders = (
                (compare(release, known.version), known.at)
                for known in self._of_package(project_id, release)
            )
            reached = (at for order, at in orders if order is not None and order <= 0)
            self._reached[key] = min(reached, default=None)
        return self._reached[key]

    def _of_package(self, project_id: int, release: str) -> Sequence[releases.Noted]:
        if project_id not in self._noted:
            self._noted[project_id] = releases.noted(project_id)
        return self._noted[project_id].get(package_of(release), ())

    def before(self, project_id: int, release: str) -> set[str]:
        key = project_id, release
        if key not in self._before:
            self._before[key] = releases.before(project_id, release)
        return self._before[key]


def _verdict(issue: Issue, release: str, seen: set[str], history: _History) -> Verdict:
    if release in seen:
        return Verdict(is_later=False)
    if issue.fixed_in_release:
        return _since_fix(issue, release, history)
    if not release:  # it says nothing, unless no release was named before either
        return Verdict(is_later=not issue.resolved_after, by=APPEARANCE)
    assert issue.resolved_at is not None
    reached = history.reached(issue.project_id, release)
    if reached is not None and reached <= issue.resolved_at:
        return Verdict(is_later=False)
    known = history.known(issue.project_id, release, issue.resolved_at)
    comparable = [base for base in known if compare(release, base)]
    if comparable:
        return Verdict(is_later=True, base=releases.latest_of(comparable), by=VERSION)
    return Verdict(is_later=True, base=releases.latest_of(known), by=APPEARANCE)


def _since_fix(issue: Issue, release: str, history: _History) -> Verdict:
    """The same where it is known which release has fixed it: that one has to hold, too."""
    fix = issue.fixed_in_release
    order = compare(release, fix)
    if order is not None:
        return Verdict(is_later=order >= 0, base=fix, by=VERSION)
    is_older = release in history.before(issue.project_id, fix)
    return Verdict(is_later=not is_older, base=fix, by=APPEARANCE)


def _seen_before(issues: Iterable[Issue]) -> dict[int, set[str]]:
    """The releases in which each issue was seen before it was resolved."""
    resolved = {issue.id: issue.resolved_at for issue in issues}
    query = select(IssueRelease.issue_id, IssueRelease.release, IssueRelease.first_seen)
    seen: dict[int, set[str]] = {}
    for issue_id, release, first in db.session.execute(
        query.where(IssueRelease.issue_id.in_(resolved))
    ):
        at = resolved[issue_id]
        if at is None or first <= at:
            seen.setdefault(issue_id, set()).add(release)
    return seen
