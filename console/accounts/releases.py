"""The environments and releases that a project's telemetry has named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import Insert, case, delete, func, select, tuple_

from console.accounts.models import Project, Release
from console.accounts.versions import compare, package_of, version_of
from console.core import clock
from console.core.db import built_once, db, insert
from console.core.tenancy import current_organization_id
from console.web.charts import Marker
from console.web.timeline import About

ENVIRONMENT, VERSION = 64, 200  # as wide as their columns

MOST_NEW = 200  # of a project, seen first on the same day; a build for each commit makes fewer
SURPLUS = f"more than {MOST_NEW} new releases of a day, which no list names"
_MET, _MOST_MET = "pharos.releases_met", 10_000  # a project that is gone does no harm there
_ASKED_AT_ONCE = 500  # a statement takes only so many values
_Key = tuple[str, str]
_Span = tuple[datetime, datetime]


def saw(project_id: int, seen: Iterable[tuple[str, str, datetime]]) -> int:
    """Remember that (environment, version) sent something at a time; order does not matter.

    Returns how many there was no room for: what they sent is stored, and only lists lack them.
    """
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for environment, version, at in seen:
        key = environment[:ENVIRONMENT], version[:VERSION]
        first, last = spans.get(key, (at, at))
        spans[key] = min(first, at), max(last, at)
    if not spans:
        return 0
    surplus, noted_at = _without_room(project_id, spans), clock.now()
    rows = [
        {
            "organization_id": current_organization_id(),
            "project_id": project_id,
            "environment": environment,
            "version": version,
            "first_seen": first,
            "last_seen": last,
            "noted_at": noted_at,
        }
        for (environment, version), (first, last) in sorted(spans.items())
        if (environment, version) not in surplus
    ]
    if rows:
        db.session.execute(_merged(), rows)
    return len(surplus)


def _without_room(project_id: int, spans: Mapping[_Key, _Span]) -> set[_Key]:
    """The new ones for which their day has no room: a client may name one with each event."""
    new = sorted(spans.keys() - _known(project_id, list(spans)), key=lambda key: (spans[key], key))
    room: dict[datetime, int] = {}
    surplus = set()
    for key in new:
        day = spans[key][0].replace(hour=0, minute=0, second=0, microsecond=0)
        if day not in room:
            room[day] = MOST_NEW - _seen_first_on(project_id, day)
        room[day] -= 1
        if room[day] < 0:
            surplus.add(key)
    return surplus


def _known(project_id: int, keys: Sequence[_Key]) -> set[_Key]:
    """Those that have a row; what this process has met it need not ask for in each batch."""
    met: set[tuple[int, _Key]] = current_app.extensions.setdefault(_MET, set())
    if all((project_id, key) in met for key in keys):
        return set(keys)
    known: set[_Key] = set()
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        query = select(Release.environment, Release.version).where(
            Release.project_id == project_id,
            tuple_(Release.environment, Release.version).in_(keys[start : start + _ASKED_AT_ONCE]),
        )
        known |= {(environment, version) for environment, version in db.session.execute(query)}
    if len(met) > _MOST_MET:
        met.clear()
    met.update((project_id, key) for key in known)
    return known


def _seen_first_on(project_id: int, day: datetime) -> int:
    query = select(func.count()).where(
        Release.project_id == project_id,
        Release.first_seen >= day,
        Release.first_seen < day + timedelta(days=1),
    )
    return db.session.scalar(query) or 0


def environments(place: Project | Sequence[Project]) -> list[str]:
    """The names of the environments of a project, or of several, for filters."""
    projects = [place] if isinstance(place, Project) else place
    query = (
        select(Release.environment)
        .where(Release.project_id.in_([own.id for own in projects]), Release.environment != "")
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
            asked = {"release": release.version, "status": "all"}
            marker = Marker(release.first_seen, release.version, page="errors.inbox", asked=asked)
            firsts.setdefault(release.version, marker)
    return list(firsts.values())


def latest(project: Project, environment: str = "", limit: int = 2) -> list[str]:
    """The newest releases, by when each was first seen."""
    first_seen = func.min(Release.first_seen)
    query = select(Release.version).where(Release.project_id == project.id, Release.version != "")
    if environment:
        query = query.where(Release.environment == environment)
    ordered = query.group_by(Release.version).order_by(first_seen.desc(), Release.version.desc())
    return list(db.session.scalars(ordered.limit(limit)))


@dataclass(frozen=True, slots=True)
class Noted:
    """A release, and when the console first heard of it."""

    version: str
    at: datetime


def noted(project_id: int) -> Mapping[str, Sequence[Noted]]:
    """The releases that the console knows, by package and in the order in which they came.

    A name without a package is of the package "".
    """
    noted_at = func.min(Release.noted_at)
    query = (
        select(Release.version, noted_at)
        .where(Release.project_id == project_id, Release.version != "")
        .group_by(Release.version)
        .order_by(noted_at, func.min(Release.first_seen), Release.version)
    )
    by_package: dict[str, list[Noted]] = {}
    for version, at in db.session.execute(query):
        by_package.setdefault(package_of(version), []).append(Noted(version, at))
    return by_package


def latest_of(versions: Sequence[str]) -> str:
    """The latest of releases, given as they came: by their names where these tell; "" of none."""
    named = [version for version in versions if version_of(version)] or versions[-1:]
    latest = ""
    for version in named:
        if not latest or compare(version, latest) in {None, 1}:
            latest = version
    return latest


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


def forget(oldest: Mapping[int, datetime]) -> int:
    """Delete the releases that sent nothing since their project's time in `oldest`. Commits."""
    forgotten = 0
    for project_id, before in oldest.items():
        aged = delete(Release).where(Release.project_id == project_id, Release.last_seen < before)
        forgotten += len(db.session.scalars(aged.returning(Release.id)).all())
    db.session.commit()
    return forgotten
