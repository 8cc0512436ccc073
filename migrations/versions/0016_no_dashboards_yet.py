"""Projects choose no dashboards as long as there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("monitoring_config", "dashboards")


def downgrade() -> None:
    op.add_column(
        "monitoring_config",
        sa.Column("dashboards", sa.JSON(), nullable=False, server_default="[]"),
    )
