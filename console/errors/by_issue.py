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
    query = select(IssueHash.hash, IssueHash.issue_id).where(
        IssueHash.organization_id == scope.organization_id,
        IssueHash.project_id == scope.project_id,
        IssueHash.hash.in_(hashes),
    )
    rows = db.session.execute(query)
    return {hash_: issue_id for hash_, issue_id in rows}  # noqa: C416 - rows are no pairs to mypy
