"""What changed from the days before, and how far days are judged."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_metric_change()
    create_judged_days()


def downgrade() -> None:
    op.drop_table("judged_days")
    op.drop_table("metric_change")


def create_metric_change() -> None:
    op.create_table(
        "metric_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", choice("changestate", "new", "worse", "turned", "over"), nullable=False),
        sa.Column("ending", choice("ending", "back", "lasts", "gone"), nullable=True),
        sa.Column("way", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("judged_day", sa.Date(), nullable=False),
        sa.Column("moved_on", sa.Date(), nullable=False),
        sa.Column("quiet_days", sa.Integer(), nullable=False),
        sa.Column("before", sa.Double(), nullable=False),
        sa.Column("after", sa.Double(), nullable=False),
        sa.Column("peak", sa.Double(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("impact", sa.BigInteger(), nullable=False),
        sa.Column("course", sa.JSON(), nullable=False),
        sa.Column("cause", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        of_project("metric_change"),
        of_organization("metric_change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_change")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_metric_change_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    lives = sa.text("state <> 'over'")
    op.create_index(
        "metric_change_living",
        "metric_change",
        ["organization_id", "project_id", "environment", "rule_id", "subject"],
        unique=True,
        sqlite_where=lives,
        postgresql_where=lives,
    )
    op.create_index(
        "metric_change_by_impact",
        "metric_change",
        ["organization_id", "project_id", "impact", "id"],
    )
    op.create_index(
        "metric_change_by_day", "metric_change", ["organization_id", "project_id", "judged_day"]
    )
    protect("metric_change")


def create_judged_days() -> None:
    op.create_table(
        "judged_days",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        of_project("judged_days"),
        of_organization("judged_days"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judged_days")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_judged_days_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "project_id", name=op.f("uq_judged_days_organization_id_project_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("judged_days")


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=20)


def of_project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", "project_id"],
        ["project.organization_id", "project.id"],
        name=op.f(f"fk_{table}_organization_id_project_id"),
        ondelete="CASCADE",
    )


def of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"],
        ["organization.id"],
        name=op.f(f"fk_{table}_organization_id"),
        ondelete="CASCADE",
    )
