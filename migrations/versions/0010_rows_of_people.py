"""Row-level security on sign-ins: each is seen by its person, or by who presents its token."""

from console.core.row_security import protect_person, unprotect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect_person("login_session", presented="digest")


def downgrade() -> None:
    unprotect("login_session", "of_person", "of_token")
