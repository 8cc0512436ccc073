"""Checks with their outages and maintenance windows, and public status pages."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_uptime_check()
    create_check_closing()
    create_outage()
    create_maintenance_window()
    create_maintenance_change()
    create_status_page()
    create_status_page_check()


def downgrade() -> None:
    op.drop_table("status_page_check")
    op.drop_table("status_page")
    op.drop_table("maintenance_change")
    op.drop_table("maintenance_window")
    op.drop_table("outage")
    op.drop_table("check_closing")
    op.drop_table("uptime_check")


def create_uptime_check() -> None:
    op.create_table(
        "uptime_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("http", "heartbeat", "monitor", name="checkkind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("slug", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("failures_needed", sa.Integer(), nullable=False),
        sa.Column("successes_needed", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "up",
                "slow",
                "down",
                "paused",
                "unknown",
                name="checkstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.String(length=32), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_outcome", sa.String(length=20), nullable=False),
        sa.Column("last_why", sa.String(length=500), nullable=False),
        sa.Column("certificate_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("domain_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("domain_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_uptime_check_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_uptime_check_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_uptime_check_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uptime_check")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_uptime_check_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "slug",
            "environment",
            name=op.f("uq_uptime_check_organization_id_project_id_slug_environment"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uptime_check_by_due_time", "uptime_check", ["organization_id", "kind", "next_due"]
    )
    protect("uptime_check")


def create_outage() -> None:
    op.create_table(
        "outage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_outage_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_outage_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
        sa.UniqueConstraint(
            "organization_id",
            "check_id",
            "began_at",
            name=op.f("uq_outage_organization_id_check_id_began_at"),
        ),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_outage_organization_id_id")),
        sqlite_autoincrement=True,
    )
    protect("outage")


def create_maintenance_window() -> None:
    op.create_table(
        "maintenance_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_maintenance_window_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_maintenance_window_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_maintenance_window_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_maintenance_window_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_window")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_maintenance_window_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "maintenance_window_by_end",
        "maintenance_window",
        ["organization_id", "project_id", "ends_at"],
    )
    protect("maintenance_window")


def create_status_page() -> None:
    op.create_table(
        "status_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_status_page_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_status_page_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_status_page_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_page")),
        sa.UniqueConstraint("hash", name=op.f("uq_status_page_hash")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_status_page_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("status_page", bearer="hash")


def create_status_page_check() -> None:
    op.create_table(
        "status_page_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "check_id"],
            ["uptime_check.organization_id", "uptime_check.id"],
            name=op.f("fk_status_page_check_organization_id_check_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "page_id"],
            ["status_page.organization_id", "status_page.id"],
            name=op.f("fk_status_page_check_organization_id_page_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_status_page_check_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_page_check")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_status_page_check_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "page_id",
            "check_id",
            name=op.f("uq_status_page_check_organization_id_page_id_check_id"),
        ),
        sqlite_autoincrement=True,
    )
    protect("status_page_check")


def create_check_closing() -> None:
    op.create_table(
        "check_closing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=50), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("http", "heartbeat", "monitor", name="checkkind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_check_closing_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_check_closing_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_closing")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_check_closing_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("check_closing")


def create_maintenance_change() -> None:
    op.create_table(
        "maintenance_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_maintenance_change_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_maintenance_change_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_change")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_maintenance_change_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("maintenance_change")
