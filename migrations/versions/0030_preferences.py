"""How people want to be notified, and who they are in Slack."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_contact_preference()
    create_slack_account()


def downgrade() -> None:
    op.drop_table("slack_account")
    op.drop_table("contact_preference")


def create_contact_preference() -> None:
    op.create_table(
        "contact_preference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_contact_preference_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_contact_preference_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_preference")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_contact_preference_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "user_id", name=op.f("uq_contact_preference_organization_id_user_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("contact_preference")


def create_slack_account() -> None:
    op.create_table(
        "slack_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=30), nullable=False),
        sa.Column("slack_user", sa.String(length=30), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "channel_id"],
            ["channel.organization_id", "channel.id"],
            name=op.f("fk_slack_account_organization_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_slack_account_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_slack_account_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_account")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_slack_account_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "app",
            "team",
            "slack_user",
            name=op.f("uq_slack_account_organization_id_app_team_slack_user"),
        ),
        sqlite_autoincrement=True,
    )
    protect("slack_account")
