"""An organization that belongs to the operators of the console."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organization",
        sa.Column("builtin", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    only = sa.text("builtin")
    op.create_index(
        "organization_of_operators",
        "organization",
        ["builtin"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )


def downgrade() -> None:
    op.drop_index("organization_of_operators", "organization")
    op.drop_column("organization", "builtin")
