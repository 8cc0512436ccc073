import os
import re
import subprocess
import sys

import pytest

from tests.support.databases import SECRET
from tests.test_cli import says

__all__ = ["says"]


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


@pytest.mark.parametrize("arguments", ["status", "project list --organization acme"])
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
    dear = {"alembic", "console.app", "console.errors.views", "duckdb", "granian", "sentry_sdk"}
    assert not loaded & dear
