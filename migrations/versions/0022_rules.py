"""Alert rules with their versions, series and evaluations, and silences."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
VERDICTS = ("clear", "between", "warning", "critical", "no data", "inconclusive", "error")
STATES = ("ok", "pending", "warning", "critical", "recovering", "no_data", "broken")


def upgrade() -> None:
    create_rule()
    create_standard_rules()
    create_rule_version()
    create_rule_series()
    create_evaluation()
    create_silence()
    create_skipped_time()


def downgrade() -> None:
    op.drop_table("skipped_time")
    op.drop_table("silence")
    op.drop_table("evaluation")
    op.drop_table("rule_series")
    op.drop_table("rule_version")
    op.drop_table("standard_rules")
    op.drop_table("rule")


def create_rule() -> None:
    op.create_table(
        "rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("threshold", sa.String(length=40), nullable=False),
        sa.Column(
            "severity",
            sa.Enum("low", "medium", "high", name="severity", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("evaluated_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beyond", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_rule_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_rule_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_rule_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_rule_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "name",
            name=op.f("uq_rule_organization_id_project_id_name"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("rule_by_due_time", "rule", ["organization_id", "enabled", "next_due"])
    protect("rule")


def create_standard_rules() -> None:
    op.create_table(
        "standard_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_standard_rules_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_standard_rules_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_rules")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_standard_rules_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            name=op.f("uq_standard_rules_organization_id_project_id"),
        ),
        sqlite_autoincrement=True,
    )
    protect("standard_rules")


def create_rule_version() -> None:
    op.create_table(
        "rule_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("backtest", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_rule_version_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_rule_version_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_rule_version_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_rule_version_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "rule_id",
            "number",
            name=op.f("uq_rule_version_organization_id_rule_id_number"),
        ),
        sqlite_autoincrement=True,
    )
    protect("rule_version")


def create_rule_series() -> None:
    op.create_table(
        "rule_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                *STATES,
                name="state",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("standing", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_rule_series_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_rule_series_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_series")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_rule_series_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "rule_id",
            "value",
            name=op.f("uq_rule_series_organization_id_rule_id_value"),
        ),
        sqlite_autoincrement=True,
    )
    protect("rule_series")


def create_evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("base", sa.Double(), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum(
                *VERDICTS,
                name="verdict",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                *STATES,
                name="state",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("milliseconds", sa.Double(), nullable=False),
        sa.Column("settled_number", sa.Double(), nullable=True),
        sa.Column(
            "settled_verdict",
            sa.Enum(
                *VERDICTS,
                name="verdict",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "settled_state",
            sa.Enum(
                *STATES,
                name="state",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_evaluation_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_evaluation_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_evaluation_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "rule_id",
            "value",
            "at",
            name=op.f("uq_evaluation_organization_id_rule_id_value_at"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("evaluation_by_time", "evaluation", ["organization_id", "at"])
    protect("evaluation")


def create_silence() -> None:
    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cron", sa.String(length=100), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user.id"],
            name=op.f("fk_silence_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_silence_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_silence_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_silence_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_silence_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("silence_by_end", "silence", ["organization_id", "project_id", "ends_at"])
    protect("silence")


def create_skipped_time() -> None:
    op.create_table(
        "skipped_time",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "rule_id"],
            ["rule.organization_id", "rule.id"],
            name=op.f("fk_skipped_time_organization_id_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_skipped_time_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skipped_time")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_skipped_time_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "rule_id",
            "since",
            name=op.f("uq_skipped_time_organization_id_rule_id_since"),
        ),
        sqlite_autoincrement=True,
    )
    protect("skipped_time")
