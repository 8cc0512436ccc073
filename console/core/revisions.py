"""Which revision the state database is at, and which is the newest; nothing here changes it.

Alembic would know as well, but it takes longer to load than all the rest of the commands that ask.
"""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text

from console.core.db import db

FOLDER = Path(__file__).parents[2] / "migrations"
PRESENT = text("SELECT version_num FROM alembic_version")
NAMED = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)


def is_current() -> bool:
    """Whether the state database of the running app is at the newest revision."""
    present = db.session.scalar(PRESENT)
    db.session.rollback()
    return bool(present == newest())


def revisions() -> tuple[str, str]:
    """The revision of the running app's state database, "" where it has no tables, and the newest.

    Raises DBAPIError when the database does not answer.
    """
    present = ""
    if inspect(db.engine).has_table("alembic_version"):
        present = db.session.scalar(PRESENT) or ""
        db.session.rollback()
    return present, newest()


@cache
def newest() -> str:
    """The revision that no other one follows; revisions are linear."""
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in (FOLDER / "versions").glob("*.py"):
        for name, revision in NAMED.findall(path.read_text(encoding="utf-8")):
            named[name].add(revision)
    (last,) = named["revision"] - named["down_revision"]
    return last
