"""Browsers that are known to their person, tries counted by account and network, last sign-ins."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect_person

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_known_browser()
    with op.batch_alter_table(
        "login_session", table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        table.add_column(sa.Column("browser_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            op.f("fk_login_session_browser_id"),
            "known_browser",
            ["browser_id"],
            ["id"],
            ondelete="CASCADE",
        )
    op.execute("DELETE FROM login_throttle")  # the keys are made of other things from now on
    op.add_column(
        "login_throttle",
        sa.Column("account", sa.String(length=64), nullable=False, server_default=""),
    )
    op.create_index("login_throttle_of_account", "login_throttle", ["account"])
    op.add_column("user", sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("user", "last_login_at")
    op.drop_index("login_throttle_of_account", "login_throttle")
    op.drop_column("login_throttle", "account")
    with op.batch_alter_table(
        "login_session", table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        table.drop_constraint(op.f("fk_login_session_browser_id"), type_="foreignkey")
        table.drop_column("browser_id")
    op.drop_table("known_browser")


def create_known_browser() -> None:
    op.create_table(
        "known_browser",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_known_browser_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_browser")),
        sa.UniqueConstraint("digest", name=op.f("uq_known_browser_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("known_browser_of_user", "known_browser", ["user_id"])
    protect_person("known_browser")
