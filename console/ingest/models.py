"""How far digest has come."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import BIG_ID, Model, OrganizationScoped


class DigestPosition(OrganizationScoped, Model):
    """The last spool position whose counters are in this organization's state."""

    __tablename__ = "digest_position"
    __table_args__ = (UniqueConstraint("organization_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BIG_ID)
