"""The addresses of heartbeats."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_heartbeat_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_heartbeat_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
        sa.UniqueConstraint("hash", name=op.f("uq_heartbeat_hash")),
        sa.UniqueConstraint(
            "organization_id", "check_id", name=op.f("uq_heartbeat_organization_id_check_id")
        ),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_heartbeat_organization_id_id")),
        sqlite_autoincrement=True,
    )
    protect("heartbeat", bearer="hash")


def downgrade() -> None:
    op.drop_table("heartbeat")
