"""What became of every item that was sent."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Model, OrganizationScoped, belongs_to


class Outcome(OrganizationScoped, Model):
    """The loss ledger: items of one type in one hour that met the same fate for the same reason."""

    __tablename__ = "outcome"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "hour", "item_type", "outcome", "reason"),
        Index("outcome_by_time", "organization_id", "project_id", "last_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    hour: Mapped[datetime]
    item_type: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(80), default="")
    quantity: Mapped[int] = mapped_column(BigInteger)  # clients report their own losses
    last_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(String(300), default="")  # the latest case, in words
