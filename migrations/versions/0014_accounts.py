"""Row-level security on accounts, and what is known of them without reading one."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect, protect_accounts, unprotect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_former_member()
    op.create_table(
        "first_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_account")),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO first_account (id, made_at)"
        ' SELECT 1, min(created_at) FROM "user" HAVING min(created_at) IS NOT NULL'
    )
    protect_accounts()


def downgrade() -> None:
    unprotect("user", "of_person", "by_email", "of_members", "new", "of_owner")
    op.drop_table("first_account")
    op.drop_table("former_member")


def create_former_member() -> None:
    op.create_table(
        "former_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_former_member_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_former_member_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_member")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_former_member_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "user_id", name=op.f("uq_former_member_organization_id_user_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("former_member")
