import os
import re
import subprocess
import sys

import pytest
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from console.core import revisions
from tests.support.databases import SECRET
from tests.test_cli import says

__all__ = ["says"]

# What takes long to load, and is for pages, migrations, telemetry, the server or another command.
DEAR = {
    "alembic", "apscheduler", "console.accounts.access", "console.accounts.forms", "console.app",
    "console.errors.views", "console.telemetry.store", "console.web.frame", "duckdb",
    "flask.testing", "flask_login", "flask_migrate", "flask_wtf", "granian", "nanoarrow", "re2",
    "sentry_sdk", "werkzeug.debug", "wtforms",
}  # fmt: skip


def test_migrate_check_says_whether_there_is_work_and_does_none(says, tmp_path):
    fresh = str(tmp_path / "fresh")
    settings = {"PHAROS_INSTANCE": fresh, "DATABASE_URL": "", "OWNER_DATABASE_URL": ""}
    for _ in range(2):
        asked = says("migrate", "--check", **settings)
        assert asked.code == 1
        assert re.search("the database has no tables yet, and [0-9]{4} is wanted", asked.err)
    assert says("migrate", **settings).code == 0
    current = says("migrate", "--check", **settings)
    assert current.code == 0
    assert current.out.startswith("The database is up to date, at revision ")


def test_the_newest_revision_is_alembics(app):
    options = AlembicConfig()
    options.set_main_option("script_location", str(revisions.FOLDER))
    assert revisions.newest() == ScriptDirectory.from_config(options).get_current_head()


@pytest.mark.parametrize(
    "arguments", ["status", "project list --organization acme", "migrate --check"]
)
def test_a_command_loads_what_it_needs_and_no_pages(arguments, instance, database, acme):
    code = f"import sys; sys.argv[1:] = {arguments.split()!r}\nfrom console.cli.main import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    settings = {"PHAROS_INSTANCE": str(instance), "SECRET_KEY": SECRET, **database.environ}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ended.stderr.split())
    assert "console.cli.main" in loaded
    assert not loaded & DEAR
