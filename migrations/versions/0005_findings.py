"""Issues about performance, how far detection has come, and what it has examined per release."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    extend_issue()
    create_detection_position()
    create_examined_release()


def downgrade() -> None:
    op.drop_table("examined_release")
    op.drop_table("detection_position")
    op.drop_index("issue_by_category", "issue")
    op.drop_column("issue", "fixed_in_release")
    op.drop_column("issue", "category")


def extend_issue() -> None:
    category = sa.Enum(
        "error", "performance", "report", name="category", native_enum=False, length=20
    )
    op.add_column("issue", sa.Column("category", category, nullable=False, server_default="error"))
    op.add_column(
        "issue",
        sa.Column("fixed_in_release", sa.String(length=200), nullable=False, server_default=""),
    )
    op.create_index(
        "issue_by_category", "issue", ["organization_id", "project_id", "category", "status"]
    )


def create_detection_position() -> None:
    position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "detection_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("position", position, nullable=False),
        sa.Column("planned", position, nullable=True),
        sa.Column("horizon", position, nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_detection_position_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection_position")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_detection_position_organization_id_id")
        ),
        sa.UniqueConstraint("organization_id", name=op.f("uq_detection_position_organization_id")),
        sqlite_autoincrement=True,
    )
    protect("detection_position")


def create_examined_release() -> None:
    op.create_table(
        "examined_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("release", sa.String(length=200), nullable=False),
        sa.Column("traces", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_examined_release_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_examined_release_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examined_release")),
        sa.UniqueConstraint(
            "organization_id", "id", name=op.f("uq_examined_release_organization_id_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "project_id",
            "endpoint",
            "environment",
            "release",
            name=op.f(
                "uq_examined_release_organization_id_project_id_endpoint_environment_release"
            ),
        ),
        sqlite_autoincrement=True,
    )
    protect("examined_release")
