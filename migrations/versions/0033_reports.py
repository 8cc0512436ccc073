"""Scheduled reports, their editions and recipients."""

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its tables come with the feature."""


def downgrade() -> None:
    """Nothing to take back."""
