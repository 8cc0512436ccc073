"""What jobs say of themselves, and their runs that have not ended yet."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_check_run()
    create_waiting_check_in()


def downgrade() -> None:
    op.drop_table("waiting_check_in")
    op.drop_table("check_run")


def create_check_run() -> None:
    op.create_table(
        "check_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_check_run_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_check_run_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_run")),
        sa.UniqueConstraint(
            "organization_id",
            "check_id",
            "run",
            name=op.f("uq_check_run_organization_id_check_id_run"),
        ),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_check_run_organization_id_id")),
        sqlite_autoincrement=True,
    )
    protect("check_run")


def create_waiting_check_in() -> None:
    op.create_table(
        "waiting_check_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release", sa.String(length=200), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_waiting_check_in_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_waiting_check_in_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_check_in")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_waiting_check_in_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("waiting_check_in")
