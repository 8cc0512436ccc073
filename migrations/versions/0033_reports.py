"""Scheduled reports, who gets them, and their editions."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_report()
    create_report_recipient()
    create_report_edition()
    create_report_content()
    create_report_file()
    create_report_link()
    create_standard_reports()


def downgrade() -> None:
    forget_messages()
    op.drop_table("standard_reports")
    op.drop_table("report_link")
    op.drop_table("report_file")
    op.drop_table("report_content")
    op.drop_table("report_edition")
    op.drop_table("report_recipient")
    op.drop_table("report")


def forget_messages() -> None:
    """Delete what is owed of reports: the former version cannot read it, and would send nothing.

    Row-level security is lifted for this transaction.
    """
    tables = ("delivery_attempt", "outbox_message")
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in tables if is_postgresql else ():
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "DELETE FROM delivery_attempt WHERE EXISTS (SELECT 1 FROM outbox_message AS owed"
        " WHERE owed.organization_id = delivery_attempt.organization_id"
        " AND owed.id = delivery_attempt.message_id AND owed.verb = 'report')"
    )
    op.execute("DELETE FROM outbox_message WHERE verb = 'report'")
    for table in tables if is_postgresql else ():
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def create_report() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=True),
        sa.Column("tile_id", sa.String(length=12), nullable=False),
        sa.Column("cron", sa.String(length=100), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("range", sa.String(length=10), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("pdf", sa.Boolean(), nullable=False),
        sa.Column("csv", sa.Boolean(), nullable=False),
        sa.Column("skip_empty", sa.Boolean(), nullable=False),
        sa.Column("metric", sa.String(length=100), nullable=False),
        sa.Column("above", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Double(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_report_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "dashboard_id"],
            ["dashboard.organization_id", "dashboard.id"],
            name=op.f("fk_report_organization_id_dashboard_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_report_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_report_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "report_by_due_time", "report", ["organization_id", "enabled", "next_at"], unique=False
    )
    op.create_index("report_of_project", "report", ["organization_id", "project_id"], unique=False)
    protect("report")


def create_report_recipient() -> None:
    op.create_table(
        "report_recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("contact", sa.String(length=270), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "channel_id"],
            ["channel.organization_id", "channel.id"],
            name=op.f("fk_report_recipient_organization_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "report_id"],
            ["report.organization_id", "report.id"],
            name=op.f("fk_report_recipient_organization_id_report_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_recipient_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_report_recipient_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_recipient")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_report_recipient_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "report_id",
            "contact",
            name=op.f("uq_report_recipient_organization_id_report_id_contact"),
        ),
        sqlite_autoincrement=True,
    )
    protect("report_recipient")


def create_report_edition() -> None:
    op.create_table(
        "report_edition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("for_id", sa.Integer(), nullable=True),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.String(length=500), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["for_id"], ["user.id"], name=op.f("fk_report_edition_for_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "report_id"],
            ["report.organization_id", "report.id"],
            name=op.f("fk_report_edition_organization_id_report_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_edition_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_edition")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_report_edition_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "report_id",
            "due_at",
            name=op.f("uq_report_edition_organization_id_report_id_due_at"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "report_edition_by_state",
        "report_edition",
        ["organization_id", "state", "leased_until"],
        unique=False,
    )
    protect("report_edition")


def create_report_content() -> None:
    op.create_table(
        "report_content",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "edition_id"],
            ["report_edition.organization_id", "report_edition.id"],
            name=op.f("fk_report_content_organization_id_edition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_content_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_content")),
        sa.UniqueConstraint(
            "organization_id",
            "edition_id",
            "variant",
            name=op.f("uq_report_content_organization_id_edition_id_variant"),
        ),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_report_content_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("report_content")


def create_report_file() -> None:
    op.create_table(
        "report_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["report_content.organization_id", "report_content.id"],
            name=op.f("fk_report_file_organization_id_content_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_file_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_file")),
        sa.UniqueConstraint(
            "organization_id",
            "content_id",
            "name",
            name=op.f("uq_report_file_organization_id_content_id_name"),
        ),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_report_file_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("report_file")


def create_report_link() -> None:
    op.create_table(
        "report_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["report_content.organization_id", "report_content.id"],
            name=op.f("fk_report_link_organization_id_content_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "recipient_id"],
            ["report_recipient.organization_id", "report_recipient.id"],
            name=op.f("fk_report_link_organization_id_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_report_link_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_report_link_hash")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_report_link_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "report_link_by_end", "report_link", ["organization_id", "expires_at"], unique=False
    )
    protect("report_link", bearer="hash")


def create_standard_reports() -> None:
    op.create_table(
        "standard_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("templates", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_standard_reports_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_standard_reports_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_reports")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_standard_reports_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            name=op.f("uq_standard_reports_organization_id_project_id"),
        ),
        sqlite_autoincrement=True,
    )
    protect("standard_reports")
