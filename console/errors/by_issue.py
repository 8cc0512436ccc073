"""Which grouping hashes an issue has, for numbers of events by issue."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select

from console.core.db import db
from console.errors.models import IssueHash
from console.telemetry import events_by_issue
from console.telemetry.events_by_issue import EventsByIssue
from console.telemetry.measures import Rows
from console.telemetry.scope import Scope

AT_ONCE = 5_000
"""Hashes in one question: databases bound the parameters of a statement."""


def of_rows(rows: Rows) -> EventsByIssue:
    """Rows of events, with the dimension "issue" as well."""
    return events_by_issue.of_rows(rows, _hashes_of, _issues_of)


def _hashes_of(issue_ids: Iterable[int]) -> Mapping[int, Collection[str]]:
    query = select(IssueHash.issue_id, IssueHash.hash).where(IssueHash.issue_id.in_(issue_ids))
    hashes: defaultdict[int, list[str]] = defaultdict(list)
    for issue_id, hash_ in db.session.execute(query):
        hashes[issue_id].append(hash_)
    return hashes


def _issues_of(scope: Scope, hashes: Collection[str]) -> Mapping[str, int]:
    known = select(IssueHash.hash, IssueHash.issue_id).where(
        IssueHash.organization_id == scope.organization_id,
        IssueHash.project_id == scope.project_id,
    )
    issues: dict[str, int] = {}
    asked = list(hashes)
    for first in range(0, len(asked), AT_ONCE):
        query = known.where(IssueHash.hash.in_(asked[first : first + AT_ONCE]))
        issues |= {hash_: issue_id for hash_, issue_id in db.session.execute(query)}  # noqa: C416 - rows are no pairs to mypy
    return issues
