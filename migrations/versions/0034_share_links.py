"""Links to dashboards, and who followed them."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_share_link()
    create_embed_key()
    create_share_visit()


def downgrade() -> None:
    op.drop_table("share_visit")
    op.drop_table("embed_key")
    op.drop_table("share_link")


def create_share_link() -> None:
    op.create_table(
        "share_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("suffix", sa.String(length=6), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked", sa.JSON(), nullable=False),
        sa.Column("opened", sa.JSON(), nullable=False),
        sa.Column("range", sa.String(length=8), nullable=False),
        sa.Column("is_range_open", sa.Boolean(), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("has_markers", sa.Boolean(), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("last_viewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_share_link_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "dashboard_id"],
            ["dashboard.organization_id", "dashboard.id"],
            name=op.f("fk_share_link_organization_id_dashboard_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_share_link_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_share_link_hash")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_share_link_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "share_link_of_dashboard", "share_link", ["organization_id", "dashboard_id"], unique=False
    )
    protect("share_link", bearer="hash")


def create_embed_key() -> None:
    op.create_table(
        "embed_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "link_id"],
            ["share_link.organization_id", "share_link.id"],
            name=op.f("fk_embed_key_organization_id_link_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_embed_key_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embed_key")),
        sa.UniqueConstraint("name", name=op.f("uq_embed_key_name")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_embed_key_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id", "link_id", name=op.f("uq_embed_key_organization_id_link_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("embed_key", bearer="name")


def create_share_visit() -> None:
    op.create_table(
        "share_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("browser", sa.String(length=30), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "link_id"],
            ["share_link.organization_id", "share_link.id"],
            name=op.f("fk_share_visit_organization_id_link_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_share_visit_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_visit")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_share_visit_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "share_visit_of_link", "share_visit", ["organization_id", "link_id", "id"], unique=False
    )
    protect("share_visit")
