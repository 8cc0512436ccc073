"""What happened to issues, with project, kind and cause, so that alerts can read it."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KINDS = ("new", "regressed", "unmuted", "fixed", "resolved", "reopened", "muted", "assigned")
COPY = """
INSERT INTO issue_change
    (id, project_id, issue_id, kind, at, event_id, actor_id, details, organization_id)
SELECT old.id, issue.project_id, old.issue_id,
       CASE old.verb WHEN 'first_seen' THEN 'new' ELSE old.verb END,
       old.at, '', old.actor_id, old.details, old.organization_id
FROM issue_activity AS old
JOIN issue ON issue.organization_id = old.organization_id AND issue.id = old.issue_id
"""
COPY_BACK = """
INSERT INTO issue_activity (id, issue_id, at, verb, actor_id, details, organization_id)
SELECT id, issue_id, at, CASE kind WHEN 'new' THEN 'first_seen' ELSE kind END, actor_id, details,
       organization_id
FROM issue_change
"""


def upgrade() -> None:
    create_issue_change()
    copy(COPY, "issue", "issue_activity", into="issue_change")
    op.drop_table("issue_activity")
    protect("issue_change")
    create_issue_erasure()


def downgrade() -> None:
    op.drop_table("issue_erasure")
    create_issue_activity()
    copy(COPY_BACK, "issue_change", into="issue_activity")
    op.drop_table("issue_change")
    protect("issue_activity")


def copy(statement: str, *sources: str, into: str) -> None:
    """Copy the rows of all organizations: row-level security is lifted for this transaction."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        for table in sources:
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    if is_postgresql:
        for table in sources:
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{into}', 'id'),"  # noqa: S608 - a constant
            f" greatest((SELECT max(id) FROM {into}), 1))"
        )


def create_issue_change() -> None:
    kind = sa.Enum(*KINDS, name="changekind", native_enum=False, length=20)
    op.create_table(
        "issue_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user.id"], name=op.f("fk_issue_change_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_issue_change_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_issue_change_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_change_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_change")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_issue_change_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("issue_change_of_issue", "issue_change", ["organization_id", "issue_id", "at"])
    op.create_index("issue_change_by_time", "issue_change", ["organization_id", "at"])


def create_issue_activity() -> None:
    op.create_table(
        "issue_activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user.id"], name=op.f("fk_issue_activity_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_issue_activity_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_activity_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_activity")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_issue_activity_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "issue_activity_of_issue", "issue_activity", ["organization_id", "issue_id", "at"]
    )


def create_issue_erasure() -> None:
    op.create_table(
        "issue_erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.JSON(), nullable=False),
        sa.Column(
            "counted_position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("counted_run", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_issue_erasure_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_erasure_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_erasure")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_issue_erasure_organization_id_id")
        ),
        sqlite_autoincrement=True,
    )
    protect("issue_erasure")
