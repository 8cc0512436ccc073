"""How far the digest has come, and what became of every item that was sent."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_digest_position()
    create_outcome()


def downgrade() -> None:
    op.drop_table("outcome")
    op.drop_table("digest_position")


def create_digest_position() -> None:
    op.create_table(
        "digest_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_digest_position_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_position")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_digest_position_organization_id_id")
        ),
        sa.UniqueConstraint("organization_id", name=op.f("uq_digest_position_organization_id")),
        sqlite_autoincrement=True,
    )
    protect("digest_position")


def create_outcome() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("item_type", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_outcome_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_outcome_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_outcome_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "hour",
            "item_type",
            "outcome",
            "reason",
            name=op.f("uq_outcome_organization_id_project_id_hour_item_type_outcome_reason"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("outcome_by_time", "outcome", ["organization_id", "project_id", "last_at"])
    protect("outcome")
