"""What the connect page asks of a project besides the ledger."""

from operator import attrgetter

from sqlalchemy import select

from console.accounts.models import Key, Project, Release
from console.core.db import db
from console.errors.models import Issue, Status


def latest_issue(project: Project) -> Issue | None:
    """The issue that an event came to last; asked by status, with which its index begins."""
    query = select(Issue).where(Issue.project_id == project.id, Issue.events > 0)
    query = query.order_by(Issue.last_seen.desc()).limit(1)
    latest = [db.session.scalar(query.where(Issue.status == status)) for status in Status]
    return max(filter(None, latest), key=attrgetter("last_seen", "id"), default=None)


def latest_release(project: Project) -> Release | None:
    """The release that something came from last, if anything named one."""
    query = select(Release).where(Release.project_id == project.id, Release.version != "")
    return db.session.scalar(query.order_by(Release.last_seen.desc()).limit(1))


def working_key(project: Project) -> Key | None:
    """A key that clients may be given: not disabled and not on its way out."""
    query = select(Key).where(Key.project_id == project.id, Key.disabled_at.is_(None))
    return db.session.scalar(query.order_by(Key.id.desc()).limit(1))
