"""Dashboards with their versions, and notes on the time axis."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_dashboard()
    create_dashboard_version()
    create_dashboard_favourite()
    create_standard_dashboards()
    create_annotation()


def downgrade() -> None:
    op.drop_table("annotation")
    op.drop_table("standard_dashboards")
    op.drop_table("dashboard_favourite")
    op.drop_table("dashboard_version")
    op.drop_table("dashboard")


def create_dashboard() -> None:
    op.create_table(
        "dashboard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_dashboard_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_dashboard_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_dashboard_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboard")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_dashboard_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "dashboard_of_project", "dashboard", ["organization_id", "project_id"], unique=False
    )
    protect("dashboard")


def create_dashboard_version() -> None:
    op.create_table(
        "dashboard_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by_id", sa.Integer(), nullable=True),
        sa.Column("script", sa.String(length=100), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "dashboard_id"],
            ["dashboard.organization_id", "dashboard.id"],
            name=op.f("fk_dashboard_version_organization_id_dashboard_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_dashboard_version_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["saved_by_id"],
            ["user.id"],
            name=op.f("fk_dashboard_version_saved_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboard_version")),
        sa.UniqueConstraint(
            "organization_id",
            "dashboard_id",
            "number",
            name=op.f("uq_dashboard_version_organization_id_dashboard_id_number"),
        ),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_dashboard_version_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("dashboard_version")


def create_dashboard_favourite() -> None:
    op.create_table(
        "dashboard_favourite",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "dashboard_id"],
            ["dashboard.organization_id", "dashboard.id"],
            name=op.f("fk_dashboard_favourite_organization_id_dashboard_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_dashboard_favourite_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user.id"],
            name=op.f("fk_dashboard_favourite_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboard_favourite")),
        sa.UniqueConstraint(
            "organization_id",
            "dashboard_id",
            "user_id",
            name=op.f("uq_dashboard_favourite_organization_id_dashboard_id_user_id"),
        ),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_dashboard_favourite_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("dashboard_favourite")


def create_standard_dashboards() -> None:
    op.create_table(
        "standard_dashboards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("templates", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_standard_dashboards_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_standard_dashboards_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_dashboards")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_standard_dashboards_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            name=op.f("uq_standard_dashboards_organization_id_project_id"),
        ),
        sqlite_autoincrement=True,
    )
    protect("standard_dashboards")


def create_annotation() -> None:
    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_annotation_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_annotation_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_annotation_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_annotation_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "annotation_by_time", "annotation", ["organization_id", "project_id", "at"], unique=False
    )
    protect("annotation")
