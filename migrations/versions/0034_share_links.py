"""Links to dashboards, and who followed them."""

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its tables come with the feature."""


def downgrade() -> None:
    """Nothing to take back."""
