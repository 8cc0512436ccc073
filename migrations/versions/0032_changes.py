"""What changed, as rows that live."""

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its tables come with the feature."""


def downgrade() -> None:
    """Nothing to take back."""
