"""Deletes an issue with everything that is of it; a job erases its events soon after."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete as deleting
from sqlalchemy import func, select

from console.accounts.models import Project
from console.core import audit
from console.core.db import db, overwrite_deleted
from console.errors.models import Comment, Issue, IssueErasure, IssueHash
from console.telemetry import retention

HASHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Going:
    """How much goes with an issue."""

    events: int
    people: int
    notes: int
    hashes: int


def going(issue: Issue) -> Going:
    """What the deletion of an issue takes away."""
    notes, hashes = (
        db.session.scalar(select(func.count()).where(of.issue_id == issue.id)) or 0
        for of in (Comment, IssueHash)
    )
    return Going(issue.events, issue.users, notes, hashes)


def delete(project: Project, issue: Issue, *, actor: str = "") -> None:
    """Delete an issue with its hashes, people, releases, history and notes.

    The next event of the bug opens a new issue. To be committed by the caller.
    """
    held = db.session.scalar(
        select(Issue)
        .where(Issue.id == issue.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if held is None:  # somebody else has deleted it meanwhile
        return
    hashes = db.session.scalars(select(IssueHash.hash).where(IssueHash.issue_id == held.id)).all()
    erasure = {
        "project_id": project.id,
        "issue_id": held.id,
        "counted_position": held.counted_position,
        "counted_run": held.counted_run,
    }
    for start in range(0, len(hashes), HASHES_AT_ONCE):
        part = list(hashes[start : start + HASHES_AT_ONCE])
        db.session.add(IssueErasure(**erasure, hashes=part))
    audit.record(
        "issue.deleted", f"Issue {held.id}", actor=actor, project=project.slug, events=held.events
    )
    db.session.execute(deleting(Issue).where(Issue.id == held.id))


def erase(organization_id: int) -> Mapping[str, int]:
    """Erase the events of deleted issues from telemetry, and commit.

    The rows of what is to be erased go last: after a failure or a crash it is erased again.
    """
    waiting = db.session.scalars(select(IssueErasure).order_by(IssueErasure.id)).all()
    db.session.commit()  # erasing takes a while: hold no transaction meanwhile
    erased = 0
    for erasure in waiting:
        erased += retention.erase_events(
            organization_id,
            erasure.project_id,
            erasure.hashes,
            upto=erasure.counted_position,
            run=erasure.counted_run,
        )
        db.session.execute(deleting(IssueErasure).where(IssueErasure.id == erasure.id))
        db.session.commit()
    if waiting:
        overwrite_deleted()
    return {"events of deleted issues erased": erased}
