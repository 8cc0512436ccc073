"""What is kept of a token, a code or a credential is called its hash: digest is another thing."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXED = ("api_token", "invitation")
UNIQUE = ("known_browser", "login_session", "password_reset", "linked_identity", "passkey")
PRESENTED = ("login_session", "password_reset", "linked_identity", "passkey")


def upgrade() -> None:
    rename("digest", "hash")


def downgrade() -> None:
    rename("hash", "digest")


def rename(old: str, new: str) -> None:
    """Rename the column wherever it is, with the indexes, keys and policies that bear its name."""
    for table in INDEXED:
        op.drop_index(f"{table}_by_{old}", table)
        op.alter_column(table, old, new_column_name=new)
        op.create_index(f"{table}_by_{new}", table, [new], unique=True)
    op.alter_column("recovery_code", old, new_column_name=new)
    for table in UNIQUE:
        rebuilt = {"table_kwargs": {"sqlite_autoincrement": True}}
        with op.batch_alter_table(table, **rebuilt) as changed:  # SQLite copies the table for it
            changed.drop_constraint(op.f(f"uq_{table}_{old}"), type_="unique")
        op.alter_column(table, old, new_column_name=new)
        with op.batch_alter_table(table, **rebuilt) as changed:
            changed.create_unique_constraint(op.f(f"uq_{table}_{new}"), [new])
    if op.get_bind().dialect.name == "postgresql":
        for table in PRESENTED:
            setting = f"nullif(current_setting('app.token_{new}', true), '')::text"
            op.execute(f"DROP POLICY of_token ON {table}")
            op.execute(
                f"CREATE POLICY of_token ON {table} FOR SELECT USING ({new} = (SELECT {setting}))"
            )
