"""A person's time zone; "" for the one that the browser says."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("zone", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("user", "zone")
