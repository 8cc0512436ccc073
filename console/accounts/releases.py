"""The environments and releases that a project's telemetry has named."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Insert, case, func, select

from console.accounts.models import Project, Release
from console.core.db import built_once, db, insert
from console.core.tenancy import current_organization_id
from console.web.charts import Marker
from console.web.timeline import About

ENVIRONMENT, VERSION = 64, 200  # as wide as their columns


def saw(project_id: int, seen: Iterable[tuple[str, str, datetime]]) -> None:
    """Remember that (environment, version) sent something at a time; order does not matter."""
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for environment, version, at in seen:
        key = environment[:ENVIRONMENT], version[:VERSION]
        first, last = spans.get(key, (at, at))
        spans[key] = min(first, at), max(last, at)
    if not spans:
        return
    rows = [
        {
            "organization_id": current_organization_id(),
            "project_id": project_id,
            "environment": environment,
            "version": version,
            "first_seen": first,
            "last_seen": last,
        }
        for (environment, version), (first, last) in sorted(spans.items())
    ]
    db.session.execute(_merged(), rows)


def environments(project: Project) -> list[str]:
    """The names of a project's environments, for filters."""
    query = (
        select(Release.environment)
        .where(Release.project_id == project.id, Release.environment != "")
        .distinct()
        .order_by(Release.environment)
    )
    return list(db.session.scalars(query.limit(100)))


def versions(project: Project, limit: int = 50) -> list[str]:
    """A project's releases, the last seen first."""
    last_seen = func.max(Release.last_seen)
    query = (
        select(Release.version)
        .where(Release.project_id == project.id, Release.version != "")
        .group_by(Release.version)
        .order_by(last_seen.desc())
    )
    return list(db.session.scalars(query.limit(limit)))


def appeared(project: Project, since: datetime, until: datetime) -> Sequence[Release]:
    """The releases first seen in a time range, oldest first: the markers of its charts."""
    query = select(Release).where(
        Release.project_id == project.id,
        Release.version != "",
        Release.first_seen >= since,
        Release.first_seen < until,
    )
    return db.session.scalars(query.order_by(Release.first_seen).limit(50)).all()


def markers(
    project: Project, since: datetime, until: datetime, environment: str = "", about: About = None
) -> list[Marker]:
    """When each release was first seen in a time range, for charts."""
    del about  # a release may be the reason of whatever changes
    firsts: dict[str, Marker] = {}
    for release in appeared(project, since, until):
        if not environment or release.environment == environment:
            firsts.setdefault(release.version, Marker(release.first_seen, release.version))
    return list(firsts.values())


def latest(project: Project, environment: str = "", limit: int = 2) -> list[str]:
    """The newest releases, by when each was first seen."""
    first_seen = func.min(Release.first_seen)
    query = select(Release.version).where(Release.project_id == project.id, Release.version != "")
    if environment:
        query = query.where(Release.environment == environment)
    ordered = query.group_by(Release.version).order_by(first_seen.desc(), Release.version.desc())
    return list(db.session.scalars(ordered.limit(limit)))


def before(project_id: int, version: str) -> set[str]:
    """The releases that were seen before a release."""
    first = select(func.min(Release.first_seen)).where(
        Release.project_id == project_id, Release.version == version
    )
    query = select(Release.version).where(
        Release.project_id == project_id, Release.first_seen < first.scalar_subquery()
    )
    return set(db.session.scalars(query)) - {version}


@built_once
def _merged() -> Insert:
    statement = insert(Release.__table__)
    new, old = statement.excluded, Release.__table__.c
    # The two databases have no common name for the greater of two values.
    return statement.on_conflict_do_update(
        index_elements=["organization_id", "project_id", "environment", "version"],
        set_={
            "first_seen": case(
                (new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen
            ),
            "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        },
    )
