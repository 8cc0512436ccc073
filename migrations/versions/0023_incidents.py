"""Incidents, their histories, and the messages that are owed for them."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_incident()
    create_incident_event()


def downgrade() -> None:
    op.drop_table("incident_event")
    op.drop_table("incident")


def create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "ok",
                "pending",
                "warning",
                "critical",
                "recovering",
                "no_data",
                "broken",
                name="state",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "worst",
            sa.Enum(
                "ok",
                "pending",
                "warning",
                "critical",
                "recovering",
                "no_data",
                "broken",
                name="state",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum("low", "medium", "high", name="severity", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("watch", sa.String(length=40), nullable=False),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "acknowledged",
                "resolved",
                name="incidentstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.Integer(), nullable=True),
        sa.Column("acknowledged_via", sa.String(length=20), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.Column("resolved_via", sa.String(length=20), nullable=False),
        sa.Column("closed_by_hand", sa.Boolean(), nullable=False),
        sa.Column(
            "assessment",
            sa.Enum(
                "unknown",
                "real",
                "noise",
                name="assessment",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"],
            ["user.id"],
            name=op.f("fk_incident_acknowledged_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_incident_organization_id_parent_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_incident_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_incident_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by_id"],
            ["user.id"],
            name=op.f("fk_incident_resolved_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_incident_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("incident_of_group", "incident", ["organization_id", "parent_id"])
    op.create_index(
        "incident_by_time",
        "incident",
        ["organization_id", "project_id", "state", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        "incident_of_series", "incident", ["organization_id", "rule_id", "value", "opened_at"]
    )
    protect("incident")


def create_incident_event() -> None:
    op.create_table(
        "incident_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column(
            "verb",
            sa.Enum(
                "opened",
                "joined",
                "level",
                "reopened",
                "acknowledged",
                "snoozed",
                "woken",
                "resolved",
                "noted",
                "assessed",
                "escalated",
                "unacknowledged",
                name="incidentverb",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user.id"], name=op.f("fk_incident_event_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "incident_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_incident_event_organization_id_incident_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_incident_event_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_event")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_incident_event_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "incident_id",
            "sequence",
            name=op.f("uq_incident_event_organization_id_incident_id_sequence"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("incident_event_by_time", "incident_event", ["organization_id", "at"])
    protect("incident_event")
