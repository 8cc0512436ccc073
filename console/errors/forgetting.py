"""Texts age with the events that brought them: an issue that has none left stays as a number."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from console.core import clock
from console.core.db import db
from console.errors.models import (
    ChangeKind,
    Comment,
    Issue,
    IssueChange,
    IssueHash,
    IssueRelease,
    IssueUser,
)
from console.telemetry.people import known_people

UNNAMED = "Message"
"""The title of an issue whose type says nothing, once its own title is gone."""
QUOTE_GONE = "[quote removed with the events]"
AT_ONCE = 200
_LONG_ENOUGH = 8  # characters of a title; a shorter one stands in many a sentence
_QUOTES = re.compile(r"^```.*?(?:^```[^\n]*$|\Z)|^[ ]{0,3}>[^\n]*$", re.MULTILINE | re.DOTALL)
_BY_EVENTS = (ChangeKind.NEW, ChangeKind.REGRESSED, ChangeKind.UNMUTED, ChangeKind.FIXED)


def forget_texts(oldest: Mapping[int, datetime]) -> Mapping[str, int]:
    """Take the texts out of issues whose last event was before their project's time in `oldest`.

    Releases and environments in which no event is left leave all issues. Commits.
    """
    issues = releases = 0
    for project_id, before in sorted(oldest.items()):
        while forgotten := _forget_some(project_id, before):
            issues += forgotten
        ours = select(Issue.id).where(Issue.project_id == project_id)
        aged = delete(IssueRelease).where(
            IssueRelease.issue_id.in_(ours), IssueRelease.last_seen < before
        )
        releases += len(db.session.scalars(aged.returning(IssueRelease.id)).all())
        db.session.commit()
    return {"issues without texts": issues, "releases of issues forgotten": releases}


def forget_people(organization_id: int) -> Mapping[str, int]:
    """Delete the keys of people of whom no event is left: who comes back counts anew. Commits."""
    forgotten, last = 0, 0
    while True:
        query = (
            select(IssueUser.id, IssueUser.user_key)
            .where(IssueUser.id > last)
            .order_by(IssueUser.id)
            .limit(20 * AT_ONCE)
        )
        rows = db.session.execute(query).all()
        db.session.commit()  # the other store takes a while: hold no transaction meanwhile
        if not rows:
            return {"people forgotten": forgotten}
        last = rows[-1].id
        known = known_people(organization_id, {row.user_key for row in rows})
        gone = [row.id for row in rows if row.user_key not in known]
        for start in range(0, len(gone), AT_ONCE):
            part = gone[start : start + AT_ONCE]
            db.session.execute(delete(IssueUser).where(IssueUser.id.in_(part)))
        db.session.commit()
        forgotten += len(gone)


def _forget_some(project_id: int, before: datetime) -> int:
    query = (
        select(Issue)
        .where(Issue.project_id == project_id, Issue.last_seen < before)
        .where(Issue.forgotten_at.is_(None))
        .order_by(Issue.id)
        .limit(AT_ONCE)
        .with_for_update()
    )
    issues = db.session.scalars(query).all()
    if issues:
        _forget_beside(issues)
    for issue in issues:
        issue.title, issue.culprit = issue.kind or UNNAMED, ""
        issue.first_release = issue.last_release = issue.searched = ""
        issue.forgotten_at = clock.now()
    db.session.commit()
    return len(issues)


def _forget_beside(issues: Sequence[Issue]) -> None:
    """Take out what other tables have of the texts of issues."""
    by_id = {issue.id: issue for issue in issues}
    for comment in db.session.scalars(select(Comment).where(Comment.issue_id.in_(by_id))):
        issue = by_id[comment.issue_id]
        comment.text = without_quotes(comment.text, (issue.title, issue.culprit))
    ours = IssueHash.issue_id.in_(by_id)
    db.session.execute(update(IssueHash).where(ours).values(components=[]))
    changes = IssueChange.issue_id.in_(by_id), IssueChange.kind.in_(_BY_EVENTS)
    db.session.execute(update(IssueChange).where(*changes).values(details={}, event_id=""))
    for table in (IssueUser, IssueRelease):
        db.session.execute(delete(table).where(table.issue_id.in_(by_id)))


def without_quotes(text: str, quoted: Sequence[str]) -> str:
    """A comment without quoted lines, blocks of code, and what stands in `quoted` word by word."""
    text = _QUOTES.sub(QUOTE_GONE, text)
    for passage in sorted(_passages(quoted), key=len, reverse=True):
        text = text.replace(passage, QUOTE_GONE)
    return text


def _passages(quoted: Sequence[str]) -> set[str]:
    """The texts, and what stands behind the type in a title."""
    passages = {part for text in quoted for part in (text, text.partition(": ")[2])}
    return {passage for passage in passages if len(passage) >= _LONG_ENOUGH}
