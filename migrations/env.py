"""Alembic's entry: runs revisions on the connection of `console.core.migrations`."""

from importlib import import_module
from pathlib import Path
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.engine import Connection

import console
from console.core import migrations
from console.core.config import config
from console.core.db import Model, UtcDateTime


def run(connection: Connection) -> None:
    """Run the command's revisions inside the connection's transaction."""
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render,
        # SQLite cannot alter a column: Alembic copies the table.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our own type into revisions as what it is there, so that they import no models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def import_models() -> None:
    """Fill the metadata: tables are declared in core and in the packages' models."""
    folder = Path(console.__file__).parent
    for path in sorted((*folder.glob("core/*.py"), *folder.glob("**/models.py"))):
        import_module(".".join(("console", *path.relative_to(folder).with_suffix("").parts)))


import_models()
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:  # `flask db migrate` and the like: the app's settings say which database
    with migrations.owner_connection(config()) as own:
        run(own)
