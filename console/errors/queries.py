"""What the pages of errors ask of the state database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    false,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from console.accounts.models import Membership, Project, User
from console.core.db import db
from console.core.paging import Page, page
from console.core.tenancy import current_organization_id
from console.errors.conditions import FEW, counted, met, occurred_in, says, there
from console.errors.models import (
    Category,
    Comment,
    Issue,
    IssueChange,
    IssueHash,
    IssueRelease,
    Level,
    Status,
)
from console.errors.search import Search
from console.telemetry.leading import TREND
from console.telemetry.scope import Owned

PAGE = 50
AT_ONCE = 10_000  # values of one statement's list
_HASHES = IssueHash.__table__
# Of a table and built once: digest asks it for every batch.
ISSUES_BY_HASH = select(_HASHES.c.hash, _HASHES.c.issue_id).where(
    _HASHES.c.organization_id == bindparam("organization"),
    _HASHES.c.project_id == bindparam("project"),
    _HASHES.c.hash.in_(bindparam("hashes", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the inbox: its name for people, and the columns, each led by an index."""

    label: str
    columns: tuple[InstrumentedAttribute[Any], ...]


SORTS = {
    "users": Sort("Impact (users)", (Issue.users, Issue.events, Issue.id)),
    "events": Sort("Events", (Issue.events, Issue.id)),
    "last_seen": Sort("Last seen", (Issue.last_seen, Issue.id)),
    "first_seen": Sort("First seen", (Issue.first_seen, Issue.id)),
    # Their rise is counted in telemetry; without a time range there is nothing to compare with.
    TREND: Sort("Trend (rise in events)", (Issue.events, Issue.id)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which of a project's issues to show, and the order; what is empty lets everything through."""

    status: Status | None = Status.OPEN
    category: Category | None = None
    without_reports: bool = False
    level: Level | None = None
    environment: str = ""
    release: str = ""
    assignee: User | None = None
    unassigned: bool = False
    search: Search = field(default_factory=Search)
    holding: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The ids of issues whose events say a text of the search, by the text."""
    since: datetime | None = None
    until: datetime | None = None
    sort: str = "users"

    @property
    def has_place(self) -> bool:
        """Whether it names an environment or a release."""
        return bool(self.environment or self.release)

    @property
    def narrows(self) -> bool:
        """Whether it leaves out events, so that the counts of all time are not those to show."""
        return self.has_place or bool(self.since or self.until or self.search.terms)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An issue that matches a filter; `place` holds the columns of the filter's order."""

    issue_id: int
    hashes: Sequence[str]
    place: tuple[Any, ...]


def candidates(
    project: Project, by: Filter, count: int, after: tuple[Any, ...] = ()
) -> list[Candidate]:
    """The first issues that match, by their counts since they were first seen, highest first.

    In the order of first seen it is when they were first seen in the environment and release.
    """
    query, columns = _ordered(_matching(project, by), by)
    if after:
        query = query.where(tuple_(*columns) < tuple_(*after))
    return _candidates(query.order_by(*(column.desc() for column in columns)).limit(count))


def candidates_by_hash(project: Project, by: Filter, hashes: Sequence[str]) -> list[Candidate]:
    """The issues of some grouping hashes that match, each once."""
    issues: dict[int, Candidate] = {}
    for start in range(0, len(hashes), AT_ONCE):
        homes = select(IssueHash.issue_id).where(
            IssueHash.project_id == project.id, IssueHash.hash.in_(hashes[start : start + AT_ONCE])
        )
        query, _columns = _ordered(_matching(project, by).where(Issue.id.in_(homes)), by)
        issues |= {candidate.issue_id: candidate for candidate in _candidates(query)}
    return list(issues.values())


def first_seen_there(by: Filter, ids: Sequence[int]) -> dict[int, datetime]:
    """When issues were first seen in the environment and release of a filter, by id."""
    first = _first_seen_there(by)
    query = select(first.c.issue_id, first.c.at).where(first.c.issue_id.in_(ids))
    return dict(db.session.execute(query).all())


def _ordered(query: Select[Issue], by: Filter) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """A query for the columns of an order, and these columns."""
    columns: Sequence[ColumnElement[Any]] = [column.expression for column in SORTS[by.sort].columns]
    if by.sort == "first_seen" and by.has_place:
        first = _first_seen_there(by)
        query = query.join(first, first.c.issue_id == Issue.id)
        columns = [first.c.at, columns[-1]]
    return query.with_only_columns(*columns), columns


def _first_seen_there(by: Filter) -> Subquery:
    return (
        select(IssueRelease.issue_id, func.min(IssueRelease.first_seen).label("at"))
        .where(*there(by.environment, by.release))
        .group_by(IssueRelease.issue_id)
        .subquery()
    )


def _candidates(query: Select[Any]) -> list[Candidate]:
    """The issues of a query for the columns of an order, each once, with all its hashes."""
    page = query.subquery()
    *_, identity = page.c
    rows = db.session.execute(
        select(*page.c, IssueHash.hash)
        .join(IssueHash, IssueHash.issue_id == identity)
        .order_by(*(column.desc() for column in page.c))
    )
    hashes: dict[tuple[Any, ...], list[str]] = {}
    for *place, hash_ in rows:
        hashes.setdefault(tuple(place), []).append(hash_)
    return [Candidate(place[-1], hashes_, place) for place, hashes_ in hashes.items()]


@dataclass(frozen=True, slots=True)
class Apart:
    """The grouping hashes of the issues that match a filter, or of all others."""

    hashes: Sequence[str]
    matching: bool


def separated(project: Project, by: Filter) -> Apart | None:
    """The grouping hashes of the issues that match, or of all others, whichever are few enough.

    None if both are many. It ignores time, environment and release, which telemetry filters by.
    """
    hashes = select(IssueHash.hash).join(Issue, Issue.id == IssueHash.issue_id)
    hashes = hashes.where(Issue.project_id == project.id).limit(FEW + 1)
    filters = _filters(project, by)
    matches = and_(true(), *filters)
    remaining = not_(func.coalesce(matches, false(), type_=Boolean))  # not assigned: NULL, no match
    if len(filters) == 1 + by.without_reports and by.status is not None:
        # Indexes know the other statuses, and the few reports.
        remaining = Issue.status.in_([status for status in Status if status is not by.status])
        if by.without_reports:
            remaining = or_(remaining, Issue.category == Category.REPORT)
    for side, is_matching in ((remaining, False), (matches, True)):
        side_hashes = db.session.scalars(hashes.where(side)).all()
        if len(side_hashes) <= FEW:
            return Apart(side_hashes, is_matching)
    return None


def inbox(
    project: Project, by: Filter, cursor: str = "", limit: int = PAGE, *, count_to: int = 0
) -> Page[Issue]:
    """One page of the issues of a project, by their counts since they were first seen.

    Raises console.core.cursors.BadCursor.
    """
    return page(
        _matching(project, by),
        SORTS[by.sort].columns,
        cursor,
        limit,
        count_to=count_to,
        options=[joinedload(Issue.assignee)],
    )


def reports_left_out(project: Project, by: Filter) -> int:
    """How many issues of browsers' reports match a filter that leaves them out."""
    if not by.without_reports:
        return 0
    reports = _matching(project, replace(by, category=Category.REPORT, without_reports=False))
    query = select(func.count()).select_from(reports.with_only_columns(Issue.id).subquery())
    return db.session.scalars(query).one()


def has_issues(project: Project) -> bool:
    """Whether anything was ever counted in this project."""
    query = select(Issue.id).where(Issue.project_id == project.id, Issue.events > 0).limit(1)
    return db.session.scalar(query) is not None


def saw_before(project: Project, at: datetime) -> bool:
    """Whether the project has an issue that was seen by then, in any status."""
    by_time = (Issue.status.in_(list(Status)), Issue.first_seen <= at)  # as its index stands
    query = select(Issue.id).where(Issue.project_id == project.id, *by_time).limit(1)
    return db.session.scalar(query) is not None


def issue_or_404(project: Project, issue_id: int) -> Issue:
    """One issue of this project with its people."""
    query = (
        select(Issue)
        .where(Issue.project_id == project.id, Issue.id == issue_id)
        .options(joinedload(Issue.assignee), joinedload(Issue.resolved_by))
    )
    return db.session.scalar(query) or abort(404)


def chosen(project: Owned, ids: Iterable[int]) -> Sequence[Issue]:
    """The issues of this project with these ids."""
    query = select(Issue).where(Issue.project_id == project.id, Issue.id.in_(set(ids)))
    return db.session.scalars(query.options(joinedload(Issue.assignee))).all()


def in_order(project: Project, ids: Sequence[int]) -> list[Issue]:
    """These issues in this order, with all that `_issue_row.html` shows."""
    issues = {issue.id: issue for issue in chosen(project, ids)}
    return [issues[issue_id] for issue_id in ids if issue_id in issues]


def hashes_of(issues: Sequence[Issue]) -> dict[int, list[str]]:
    """The grouping hashes of each issue, by which telemetry knows its events."""
    hashes: dict[int, list[str]] = {issue.id: [] for issue in issues}
    query = select(IssueHash.issue_id, IssueHash.hash).where(IssueHash.issue_id.in_(hashes))
    for issue_id, hash_ in db.session.execute(query):
        hashes[issue_id].append(hash_)
    return hashes


def issues_by_hash(project_id: int, hashes: Iterable[str]) -> dict[str, int]:
    """The issue id of each grouping hash that is known in the project."""
    asked = {
        "organization": current_organization_id(),
        "project": project_id,
        "hashes": sorted(hashes),
    }
    return dict(db.session.execute(ISSUES_BY_HASH, asked).all())


def groupings(issue: Issue) -> Sequence[IssueHash]:
    """The ways by which events came into this issue, oldest first."""
    query = select(IssueHash).where(IssueHash.issue_id == issue.id).order_by(IssueHash.id)
    return db.session.scalars(query).all()


def releases(issue: Issue) -> Sequence[IssueRelease]:
    """The environments and releases in which an issue occurred, the latest first."""
    query = (
        select(IssueRelease)
        .where(IssueRelease.issue_id == issue.id)
        .order_by(IssueRelease.last_seen.desc(), IssueRelease.id)
    )
    return db.session.scalars(query.limit(100)).all()


def history(issue: Issue) -> list[IssueChange | Comment]:
    """What happened to an issue and what people wrote under it, the newest first."""
    changes = (
        select(IssueChange)
        .where(IssueChange.issue_id == issue.id)
        .options(joinedload(IssueChange.actor))
        .order_by(IssueChange.at.desc(), IssueChange.id.desc())
    )
    comments = (
        select(Comment)
        .where(Comment.issue_id == issue.id)
        .options(joinedload(Comment.author))
        .order_by(Comment.created_at.desc(), Comment.id.desc())
    )
    entries: list[IssueChange | Comment] = [
        *db.session.scalars(changes.limit(200)),
        *db.session.scalars(comments.limit(200)),
    ]
    return sorted(entries, key=happened_at, reverse=True)


def happened_at(entry: IssueChange | Comment) -> datetime:
    """The time of an entry of the history."""
    return entry.at if isinstance(entry, IssueChange) else entry.created_at


def people(project: Project) -> Sequence[User]:
    """The members of the project's organization, by name: who may be assigned."""
    query = (
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == project.organization_id)
        .order_by(User.name, User.email)
    )
    return db.session.scalars(query).all()


def _matching(project: Project, by: Filter) -> Select[Issue]:
    # "events != 0" and not "> 0": SQLite would take it for a reason to read the index of another
    # order. For the same reason `coalesce` hides the times: without it, 51 of 40,000 issues are
    # found by sorting all of them, with it by reading the first ones of the order's own index.
    query = select(Issue).where(Issue.project_id == project.id, Issue.events != 0)
    query = query.where(*_filters(project, by))
    if by.since is not None:
        query = query.where(func.coalesce(Issue.last_seen, by.since) >= by.since)
    if by.until is not None:
        query = query.where(func.coalesce(Issue.first_seen, by.until) < by.until)
    if by.has_place:
        query = query.where(occurred_in(by.environment, by.release))
    return query


def _filters(project: Project, by: Filter) -> list[ColumnElement[bool]]:
    """The conditions of a filter on the issue itself."""
    filters = []
    if by.status is not None:
        filters.append(Issue.status == by.status)
    if by.category is not None:
        filters.append(_is_about(by.category))
    if by.without_reports:  # nearly all: in the page's order
        filters.append(func.coalesce(Issue.category, Category.ERROR) != Category.REPORT)
    if by.level is not None:
        filters.append(Issue.level == by.level)
    if by.assignee is not None:
        filters.append(Issue.assignee_id == by.assignee.id)
    if by.unassigned:
        filters.append(Issue.assignee_id.is_(None))
    place = there(by.environment, by.release)
    filters += [met(condition, place) for condition in by.search.conditions]
    filters += [
        counted(project, by.status, count, ever=not by.narrows) for count in by.search.counts
    ]
    filters += [says(text, by.holding.get(text.folded, ())) for text in by.search.texts]
    return filters


def _is_about(category: Category) -> ColumnElement[bool]:
    if category is not Category.ERROR:  # few: found by the index of categories
        return Issue.category == category
    return func.coalesce(Issue.category, category) == category  # nearly all: in the page's order
