"""Who people are at an OpenID Connect provider, by which they sign in."""

import sqlalchemy as sa
from alembic import op

from console.core.row_security import protect_person

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "linked_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_linked_identity_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linked_identity")),
        sa.UniqueConstraint("digest", name=op.f("uq_linked_identity_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("linked_identity_of_user", "linked_identity", ["user_id"])
    protect_person("linked_identity", presented="digest")


def downgrade() -> None:
    op.drop_table("linked_identity")
