"""Escalation policies, where they hold, and where escalations stand."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_policy()
    create_policy_version()
    create_policy_use()
    create_escalation()


def downgrade() -> None:
    op.drop_table("escalation")
    op.drop_table("policy_use")
    op.drop_table("policy_version")
    op.drop_table("policy")


def create_policy() -> None:
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_policy_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_policy_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_policy_organization_id_id")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_policy_organization_id_name")),
        sqlite_autoincrement=True,
    )
    protect("policy")


def create_policy_version() -> None:
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_policy_version_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "policy_id"],
            ["policy.organization_id", "policy.id"],
            name=op.f("fk_policy_version_organization_id_policy_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_policy_version_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_policy_version_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "policy_id",
            "number",
            name=op.f("uq_policy_version_organization_id_policy_id_number"),
        ),
        sqlite_autoincrement=True,
    )
    protect("policy_version")


def create_policy_use() -> None:
    op.create_table(
        "policy_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column(
            "severity",
            sa.Enum("low", "medium", "high", name="severity", native_enum=False, length=20),
            nullable=True,
        ),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "policy_id"],
            ["policy.organization_id", "policy.id"],
            name=op.f("fk_policy_use_organization_id_policy_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_policy_use_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_policy_use_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_policy_use_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_use")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_policy_use_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "policy_use_of_policy", "policy_use", ["organization_id", "policy_id"], unique=False
    )
    protect("policy_use")


def create_escalation() -> None:
    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=True),
        sa.Column("policy_name", sa.String(length=100), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "acknowledged",
                "exhausted",
                "ended",
                name="escalationstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "incident_id"],
            ["incident.organization_id", "incident.id"],
            name=op.f("fk_escalation_organization_id_incident_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_escalation_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_escalation_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id", "incident_id", name=op.f("uq_escalation_organization_id_incident_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "escalation_by_due_time", "escalation", ["organization_id", "next_at"], unique=False
    )
    protect("escalation")
