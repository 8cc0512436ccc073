"""Which jobs fail for an organization, and for how many organizations a run failed."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("cause", sa.String(length=300), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_job_failure_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_failure")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_job_failure_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "job", name=op.f("uq_job_failure_organization_id_job")
        ),
        sqlite_autoincrement=True,
    )
    protect("job_failure")
    op.add_column(
        "job_run",
        sa.Column("failed_organizations", sa.Integer(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    op.drop_column("job_run", "failed_organizations")
    op.drop_table("job_failure")
