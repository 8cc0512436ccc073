"""What people decided about performance: an endpoint's own threshold."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to
from console.performance.names import LONGEST


class EndpointThreshold(OrganizationScoped, Model):
    """The P95 threshold of one endpoint, where it differs from the project's."""

    __tablename__ = "endpoint_threshold"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "endpoint"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    endpoint: Mapped[str] = mapped_column(String(LONGEST))
    p95_ms: Mapped[int]
    set_at: Mapped[datetime] = mapped_column(default=clock.now)
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
