"""The conditions of a search in SQL, on issues and what belongs to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from console.accounts.models import Project
from console.core.db import db
from console.errors.models import Issue, IssueRelease, Status
from console.errors.search import Condition, Count, Text

_COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "status": Issue.status,
    "category": Issue.category,
    "level": Issue.level,
    "handled": Issue.handled,
}
FEW = 2000
_MEASURED: Mapping[str, InstrumentedAttribute[int]] = {
    "events": Issue.events,
    "users": Issue.users,
}
_TIMES = {"first-seen": Issue.first_seen, "last-seen": Issue.last_seen}
_READ: Mapping[str, Sequence[InstrumentedAttribute[str]]] = {
    "title": (Issue.folded,),
    "type": (Issue.folded,),
    "culprit": (Issue.folded,),
    "message": (Issue.folded, Issue.searched),
    "function": (Issue.searched,),
    "file": (Issue.searched,),
    "module": (Issue.searched,),
}


def met(condition: Condition, there: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether an issue meets a condition; `there` are its rows of an environment or release."""
    sentence = func.coalesce(_met(condition, there), literal(False))
    return not_(sentence) if condition.negated else sentence


def counted(
    project: Project, status: Status | None, count: Count, *, ever: bool
) -> ColumnElement[bool]:
    """Whether an issue has so many since it was first seen; or may have them in a time range.

    Few such issues are listed, many looked for in the order of the page. At 100,000 issues 53,000
    of them took 101 ms listed and sorted, and 0.3 in that order; four took 8 to 196 ms in that
    order, and none listed.
    """
    listed = _has(count, ever=ever)
    statuses = list(Status) if status is None else [status]  # as their index stands
    query = select(Issue.id).where(Issue.project_id == project.id, Issue.status.in_(statuses))
    few = len(db.session.scalars(query.where(listed).limit(FEW + 1)).all()) <= FEW
    return listed if few else _has(count, ever=ever, in_order=True)


def occurred_in(environment: str, release: str) -> ColumnElement[bool]:
    """Whether an issue has events in an environment, a release, or both at once."""
    listed = select(IssueRelease.issue_id).where(*there(environment, release))
    few = len(db.session.scalars(listed.limit(FEW + 1)).all()) <= FEW
    # At 100,000 issues: few of them are quicker listed (10 ms for 200), many quicker looked up one
    # by one in the order of the page (2 ms; the list alone would take 60).
    return Issue.id.in_(listed) if few else listed.where(IssueRelease.issue_id == Issue.id).exists()


def there(environment: str, release: str) -> list[ColumnElement[bool]]:
    wanted = ((IssueRelease.environment, environment), (IssueRelease.release, release))
    return [column == value for column, value in wanted if value]


def says(text: Text, ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether an issue says a text, or is one of these, whose events say it."""
    listed = [Issue.id.in_(ids)] if ids else []
    places = [*listed, *[_holds(column, text.folded) for column in (Issue.folded, Issue.searched)]]
    return not_(or_(*places)) if text.negated else or_(*places)


def _has(count: Count, *, ever: bool, in_order: bool = False) -> ColumnElement[bool]:
    """Whether an issue has so many since it was first seen; or may have them in a time range.

    With `in_order` no database takes it for a reason to read the issues by this count.
    """
    column: ColumnElement[int] = _MEASURED[count.measure].expression
    if in_order:
        column = func.coalesce(column, 0)
    if not ever:
        return column >= count.least_ever
    bounds = [column >= count.least]
    if count.most is not None:
        bounds.append(column <= count.most)
    return not_(and_(*bounds)) if count.negated else and_(*bounds)


def _met(condition: Condition, there: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    name, values = condition.column, condition.values
    if name in _TIMES:
        return _seen(condition, there)
    if name in _COLUMNS:
        return _COLUMNS[name].in_(values)
    if name in _READ:
        # The type is a line of its own, between title and culprit.
        texts = [f"\n{value}\n" if name == "type" else value for value in values]
        return or_(*[_holds(column, text) for column in _READ[name] for text in texts])
    return {"all": true(), "regressed": Issue.regressed_at.is_not(None)}.get(
        name, _assigned_to(values)
    )


def _assigned_to(values: Sequence[Any]) -> ColumnElement[bool]:
    ids = [value for value in values if value is not None]
    nobody = [Issue.assignee_id.is_(None)] if None in values else []
    return or_(*nobody, Issue.assignee_id.in_(ids))


def _seen(condition: Condition, there: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether the first or last event lies between two moments, in a place if one is chosen."""
    if not there:
        return _between(_TIMES[condition.column], condition)
    first = condition.column == "first-seen"
    at = func.min(IssueRelease.first_seen) if first else func.max(IssueRelease.last_seen)
    mine = IssueRelease.issue_id == Issue.id
    rows = select(IssueRelease.issue_id).where(mine, *there).group_by(IssueRelease.issue_id)
    rows = rows.correlate(Issue)
    return exists(rows.having(_between(at, condition)))


def _between(column: Any, condition: Condition) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = []
    if condition.since is not None:
        bounds.append(column >= condition.since)
    if condition.until is not None:
        bounds.append(column < condition.until)
    return and_(true(), *bounds)


def _holds(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Whether a folded text occurs in a folded column, with `*` for any text."""
    parts = [part.translate(_ESCAPED) for part in text.split("*")]
    return column.like(f"%{'%'.join(parts)}%", escape="\\")


_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
