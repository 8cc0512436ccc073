"""How many issues wait: what the rail and the list of projects say of a project."""

from sqlalchemy import func, select

from console.accounts.models import Project
from console.core.db import db
from console.errors.models import Category, Issue, Status


def regressions(project: Project) -> int:
    """How many open issues came back after their fix; what the rail's count says."""
    query = select(func.count(Issue.id)).where(
        Issue.project_id == project.id,
        Issue.status == Status.OPEN,
        Issue.category != Category.REPORT,
        Issue.regressed_at.is_not(None),
    )
    return db.session.scalars(query).one()


def in_inbox(project: Project) -> int:
    """How many issues wait in the inbox; what the list of projects says."""
    query = select(func.count(Issue.id)).where(
        Issue.project_id == project.id,
        Issue.status == Status.OPEN,
        func.coalesce(Issue.category, Category.ERROR) != Category.REPORT,
    )
    return db.session.scalars(query).one()
