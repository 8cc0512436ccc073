"""Channels, the messages that are owed, and what became of them."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_channel()
    create_outbox_message()
    create_delivery_attempt()
    create_message_thread()
    create_message_link()
    create_received_event()
    create_delivery_hold()


def downgrade() -> None:
    op.drop_table("delivery_hold")
    op.drop_table("received_event")
    op.drop_table("message_link")
    op.drop_table("message_thread")
    op.drop_table("delivery_attempt")
    op.drop_table("outbox_message")
    op.drop_table("channel")


def create_channel() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("hook", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("fallback_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=False),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_channel_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_channel_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("hook", name=op.f("uq_channel_hook")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_channel_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_channel_organization_id_name")
        ),
        sqlite_autoincrement=True,
    )
    protect("channel", bearer="hook")


def create_outbox_message() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("recipient", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "verb",
            sa.Enum(
                "trigger",
                "escalate",
                "update",
                "acknowledge",
                "unacknowledge",
                "resolve",
                "digest",
                "test",
                name="verb",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "failed",
                "discarded",
                "merged",
                name="messagestate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.String(length=200), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("fallback_of_id", sa.Integer(), nullable=True),
        sa.Column("detoured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "incident_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_outbox_message_organization_id_incident_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_outbox_message_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_outbox_message_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_outbox_message_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "key", name=op.f("uq_outbox_message_organization_id_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "outbox_message_by_due_time",
        "outbox_message",
        ["organization_id", "state", "next_at"],
        unique=False,
    )
    op.create_index(
        "outbox_message_of_incident",
        "outbox_message",
        ["organization_id", "incident_id", "recipient", "id"],
        unique=False,
    )
    protect("outbox_message")


def create_delivery_attempt() -> None:
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("milliseconds", sa.Double(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "sent", "failed", "refused", name="attemptoutcome", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "message_id"],
            ["outbox_message.organization_id", "outbox_message.id"],
            name=op.f("fk_delivery_attempt_organization_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_delivery_attempt_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_delivery_attempt_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "message_id",
            "number",
            name=op.f("uq_delivery_attempt_organization_id_message_id_number"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "delivery_attempt_by_time", "delivery_attempt", ["organization_id", "at"], unique=False
    )
    protect("delivery_attempt")


def create_message_thread() -> None:
    op.create_table(
        "message_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=60), nullable=False),
        sa.Column("reference", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "incident_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_message_thread_organization_id_incident_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_message_thread_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_thread")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_message_thread_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "incident_id",
            "recipient",
            name=op.f("uq_message_thread_organization_id_incident_id_recipient"),
        ),
        sqlite_autoincrement=True,
    )
    protect("message_thread")


def create_message_link() -> None:
    op.create_table(
        "message_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "act", "unsubscribe", "link-slack", name="purpose", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "incident_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_message_link_organization_id_incident_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_message_link_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_message_link_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_message_link_hash")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_message_link_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "message_link_by_end", "message_link", ["organization_id", "expires_at"], unique=False
    )
    protect("message_link", bearer="hash")


def create_received_event() -> None:
    op.create_table(
        "received_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("event_key", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "channel_id"],
            ["channel.organization_id", "channel.id"],
            name=op.f("fk_received_event_organization_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_received_event_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_event")),
        sa.UniqueConstraint(
            "organization_id",
            "channel_id",
            "event_key",
            name=op.f("uq_received_event_organization_id_channel_id_event_key"),
        ),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_received_event_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "received_event_by_time", "received_event", ["organization_id", "received_at"], unique=False
    )
    protect("received_event")


def create_delivery_hold() -> None:
    op.create_table(
        "delivery_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum("restored", "by hand", name="holdreason", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backup_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_delivery_hold_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_hold")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_delivery_hold_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "delivery_hold_by_end", "delivery_hold", ["organization_id", "released_at"], unique=False
    )
    protect("delivery_hold")
