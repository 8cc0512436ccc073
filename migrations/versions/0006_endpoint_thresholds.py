"""Thresholds of single endpoints."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoint_threshold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(length=200), nullable=False),
        sa.Column("p95_ms", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_endpoint_threshold_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_endpoint_threshold_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["set_by_id"],
            ["user.id"],
            name=op.f("fk_endpoint_threshold_set_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint_threshold")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_endpoint_threshold_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "endpoint",
            name=op.f("uq_endpoint_threshold_organization_id_project_id_endpoint"),
        ),
        sqlite_autoincrement=True,
    )
    protect("endpoint_threshold")


def downgrade() -> None:
    op.drop_table("endpoint_threshold")
