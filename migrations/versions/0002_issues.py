"""Issues, their grouping hashes, and what people did with them."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_issue()
    create_release()
    create_comment()
    create_issue_activity()
    create_issue_hash()
    create_issue_release()
    create_issue_user()


def downgrade() -> None:
    op.drop_table("issue_user")
    op.drop_table("issue_release")
    op.drop_table("issue_hash")
    op.drop_table("issue_activity")
    op.drop_table("comment")
    op.drop_table("release")
    op.drop_table("issue")


def create_issue() -> None:
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("culprit", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "fatal",
                "error",
                "warning",
                "info",
                "debug",
                name="level",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("handled", sa.Boolean(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("open", "resolved", "muted", name="status", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_release", sa.String(length=200), nullable=False),
        sa.Column("last_release", sa.String(length=200), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column(
            "counted_position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
        sa.Column("counted_run", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.Column("fixed_in_next_release", sa.Boolean(), nullable=False),
        sa.Column("resolved_after", sa.String(length=200), nullable=False),
        sa.Column("regressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("muted_until_events", sa.Integer(), nullable=True),
        sa.Column("muted_until_users", sa.Integer(), nullable=True),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("folded", sa.Text(), server_default="", nullable=False),
        sa.Column("searched", sa.Text(), server_default="", nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["user.id"], name=op.f("fk_issue_assignee_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_issue_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by_id"],
            ["user.id"],
            name=op.f("fk_issue_resolved_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_issue_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("issue_by_assignee", "issue", ["organization_id", "project_id", "assignee_id"])
    op.create_index(
        "issue_by_events", "issue", ["organization_id", "project_id", "status", "events", "id"]
    )
    op.create_index(
        "issue_by_first_seen",
        "issue",
        ["organization_id", "project_id", "status", "first_seen", "id"],
    )
    op.create_index(
        "issue_by_last_seen",
        "issue",
        ["organization_id", "project_id", "status", "last_seen", "id"],
    )
    op.create_index(
        "issue_by_regression", "issue", ["organization_id", "project_id", "status", "regressed_at"]
    )
    op.create_index(
        "issue_by_users",
        "issue",
        ["organization_id", "project_id", "status", "users", "events", "id"],
    )
    protect("issue")


def create_release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_release_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_release_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_release_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "environment",
            "version",
            name=op.f("uq_release_organization_id_project_id_environment_version"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("release_by_time", "release", ["organization_id", "project_id", "last_seen"])
    protect("release")


def create_comment() -> None:
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["user.id"], name=op.f("fk_comment_author_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_comment_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_comment_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_comment_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("comment_of_issue", "comment", ["organization_id", "issue_id", "created_at"])
    protect("comment")


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
    protect("issue_activity")


def create_issue_hash() -> None:
    op.create_table(
        "issue_hash",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("variant", sa.String(length=40), nullable=False),
        sa.Column("components", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_issue_hash_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_issue_hash_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_hash_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_hash")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_issue_hash_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "hash",
            name=op.f("uq_issue_hash_organization_id_project_id_hash"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("issue_hash_of_issue", "issue_hash", ["organization_id", "issue_id"])
    protect("issue_hash")


def create_issue_release() -> None:
    op.create_table(
        "issue_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("release", sa.String(length=200), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_issue_release_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_release_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_release")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_issue_release_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "issue_id",
            "environment",
            "release",
            name=op.f("uq_issue_release_organization_id_issue_id_environment_release"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "issue_release_by_environment",
        "issue_release",
        ["organization_id", "environment", "issue_id"],
    )
    op.create_index(
        "issue_release_by_release", "issue_release", ["organization_id", "release", "issue_id"]
    )
    protect("issue_release")


def create_issue_user() -> None:
    op.create_table(
        "issue_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("user_key", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "issue_id"],
            ["issue.organization_id", "issue.id"],
            name=op.f("fk_issue_user_organization_id_issue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_issue_user_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_user")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_issue_user_organization_id_id")),
        sa.UniqueConstraint(
            "organization_id",
            "issue_id",
            "user_key",
            name=op.f("uq_issue_user_organization_id_issue_id_user_key"),
        ),
        sqlite_autoincrement=True,
    )
    protect("issue_user")
