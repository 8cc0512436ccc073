"""Two-factor sign-in: secrets, recovery codes, and organizations that require it."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect_person

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("two_factor_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "organization",
        sa.Column("two_factor_required", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    create_two_factor()
    create_recovery_code()


def downgrade() -> None:
    op.drop_table("recovery_code")
    op.drop_table("two_factor")
    op.drop_column("organization", "two_factor_required")
    op.drop_column("user", "two_factor_since")


def create_two_factor() -> None:
    op.create_table(
        "two_factor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_two_factor_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_two_factor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_two_factor_user_id")),
        sqlite_autoincrement=True,
    )
    protect_person("two_factor")


def create_recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_recovery_code_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sqlite_autoincrement=True,
    )
    op.create_index("recovery_code_of_user", "recovery_code", ["user_id"])
    protect_person("recovery_code")
