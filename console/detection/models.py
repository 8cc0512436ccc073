"""How far detection has come, and how many requests it has examined in each release."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import BIG_ID, Model, OrganizationScoped, belongs_to


class DetectionPosition(OrganizationScoped, Model):
    """How far detection has come in this organization's spans, and what its present run covers."""

    __tablename__ = "detection_position"
    __table_args__ = (UniqueConstraint("organization_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(default=0)  # how many runs are committed
    position: Mapped[int] = mapped_column(BIG_ID, default=0)  # spans up to here are examined
    # The run that has been begun: what it examines, and the last position that it knew of. Whoever
    # repeats it must find the same, or what it has stored would be counted by nobody.
    planned: Mapped[int | None] = mapped_column(BIG_ID)
    horizon: Mapped[int | None] = mapped_column(BIG_ID)


class ExaminedRelease(OrganizationScoped, Model):
    """How many requests of an endpoint detection has examined in a release, per environment."""

    __tablename__ = "examined_release"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "endpoint", "environment", "release"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    endpoint: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str] = mapped_column(String(64))
    release: Mapped[str] = mapped_column(String(200))
    traces: Mapped[int]
    first_at: Mapped[datetime]  # when the first of these requests began
    last_at: Mapped[datetime]
