"""What the pages of performance ask of the state database."""

from sqlalchemy import delete, select

from console.accounts.models import MonitoringConfig, Project, User
from console.core import clock
from console.core.db import db
from console.performance.models import EndpointThreshold


def monitoring(project: Project) -> MonitoringConfig:
    """The project's thresholds."""
    query = select(MonitoringConfig).where(MonitoringConfig.project_id == project.id)
    return db.session.scalars(query).one()


def thresholds(project: Project) -> dict[str, int]:
    """The P95 thresholds, in milliseconds, of endpoints with their own threshold."""
    query = select(EndpointThreshold.endpoint, EndpointThreshold.p95_ms).where(
        EndpointThreshold.project_id == project.id
    )
    return dict(db.session.execute(query).all())


def set_threshold(project: Project, endpoint: str, p95_ms: int | None, *, by: User) -> None:
    """Give an endpoint its own threshold; None removes it. The caller commits."""
    mine = (EndpointThreshold.project_id == project.id, EndpointThreshold.endpoint == endpoint)
    if p95_ms is None:
        db.session.execute(delete(EndpointThreshold).where(*mine))
        return
    threshold = db.session.scalar(select(EndpointThreshold).where(*mine))
    if threshold is None:
        threshold = EndpointThreshold(project_id=project.id, endpoint=endpoint)
        db.session.add(threshold)
    threshold.p95_ms, threshold.set_at, threshold.set_by_id = p95_ms, clock.now(), by.id
