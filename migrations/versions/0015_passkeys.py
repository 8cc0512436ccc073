"""Passkeys, and how many factors a sign-in has proven."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect_person

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_passkey_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("digest", name=op.f("uq_passkey_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("passkey_of_user", "passkey", ["user_id"])
    protect_person("passkey", presented="digest")
    op.add_column(
        "login_session", sa.Column("factors", sa.Integer(), nullable=False, server_default="1")
    )


def downgrade() -> None:
    op.drop_column("login_session", "factors")
    op.drop_table("passkey")
