"""What a token allows is called permissions: a scope is the time and the filters of a question."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("api_token", "scopes", new_column_name="permissions")


def downgrade() -> None:
    op.alter_column("api_token", "permissions", new_column_name="scopes")
