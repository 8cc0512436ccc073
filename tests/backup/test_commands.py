"""`pharos backup`, `pharos backup verify`, `pharos restore`, beside a console that runs."""

import json
import re
import shutil
import subprocess
from collections import Counter
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from console.accounts.models import Project
from console.app import create_app
from console.backup import orders
from console.backup.manifest import Manifest
from console.cli.main import pharos
from console.core.config import Config
from console.ingest import pipeline
from tests.backup.conftest import Sender
from tests.ingest.conftest import Stored, envelope
from tests.support import consoles, postgres
from tests.support.databases import SECRET
from tests.support.run import shared
from tests.support.waiting import until


def run(environ, *arguments):
    """What a command ended with, and all that it printed."""
    done = CliRunner().invoke(pharos, arguments, env={"SECRET_KEY": SECRET, **environ})
    return done.exit_code, done.output


def sending(server, project):
    """A function that sends an event and fails unless it is acknowledged."""
    parts = urlsplit(project.dsn)
    connection = HTTPConnection(parts.netloc.rpartition("@")[2], timeout=30)
    path = f"/api{parts.path}/envelope/?sentry_key={parts.username}"

    def send(_project, event):
        connection.request("POST", path, envelope(("event", event)))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    return send, connection


def restored(environ, folder, fresh, project_id=1):
    """What is stored of a project after `pharos restore` into a folder and a digest there."""
    code, printed = run({**environ, "PHAROS_INSTANCE": str(fresh)}, "restore", str(folder))
    assert code == 0, printed
    settings = Config(
        instance=fresh, secret_key=SECRET, database_url=environ.get("DATABASE_URL", "")
    )
    app = create_app(settings)
    try:
        with app.app_context():
            pipeline.current().drain()
            stored = Stored(app, Project(id=project_id, organization_id=1))
            return stored.events(), stored.issues(), printed
    finally:
        consoles.close(app)


def load_dump(folder, url, owner):
    """Do what `pharos restore` says about PostgreSQL."""
    program = shutil.which("pg_restore") or "pg_restore"
    options = ("--no-owner", "--exit-on-error", f"--role={owner}", f"--dbname={url}")
    command = [program, *options, str(folder / "state.dump")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_backup_of_a_running_console_is_restored_with_all_that_was_acknowledged(
    server, folder, tmp_path
):
    """Once each, and counted; by the command, while a client sends."""
    send, connection = sending(server, server.project())
    sender = Sender(send, None)
    sender.start()
    until(lambda: len(sender.acknowledged) >= 30, "30 events that were acknowledged")
    before = list(sender.acknowledged)
    printed = server.run("backup", str(folder))
    during = len(sender.acknowledged) - len(before)
    sender.end()
    connection.close()
    assert re.search(r"made in [\d.]+ s, the digest waited for [\d.]+ s", printed)
    assert "keep it apart" in printed
    status = json.loads(server.run("status", "--json"))["backup"]
    assert (status["error"], status["good_folder"]) == ("", str(folder))
    assert "the last good one is of" in server.run("status")
    code, said = run({"PHAROS_INSTANCE": str(server.instance)}, "restore", str(folder))
    assert (code, "a console runs on" in said) == (1, True)
    checked = server.run("backup", "verify", str(folder))
    assert checked.count("ok ") == 7
    events, issues, printed = restored({}, folder, tmp_path / "fresh")
    times = Counter(events)
    assert [one for one in before if times[one] != 1] == []
    assert set(times.values()) == {1}
    assert sum(issues.values()) == len(events)
    assert "Delivery is held" in printed
    assert during > 0, "accepted while the backup was made"


def test_commands_say_in_a_sentence_what_is_wrong(instance, database, folder):
    environ = {"PHAROS_INSTANCE": str(instance)}
    assert run(environ, "backup", str(instance / "x"))[0] == 1
    code, said = run(environ, "backup", "verify", str(folder))
    assert (code, said.count("\n")) == (1, 2)
    assert "is no folder" in said
    code, said = run(environ, "restore", str(folder))
    assert (code, "nothing was touched" in said) == (1, True)


@pytest.mark.parametrize(
    "both_databases", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_postgresql_is_dumped_at_the_moment_of_the_backup_and_compared_before_a_restore(
    both_databases, filled, app, database, instance, folder, tmp_path
):
    """By a role that row-level security does not hold; the owner's would dump no row."""
    on = postgres.server(shared())
    name = urlsplit(database.database_url).path[1:]
    superuser = on.url("postgres", name).replace("postgres:postgres@", "postgres@")
    environ = {**database.environ, "PHAROS_INSTANCE": str(instance)}
    with app.app_context():
        consoles.close(app)
    code, said = run({**environ, "BACKUP_DATABASE_URL": superuser}, "backup", str(folder))
    assert code == 0, said
    made = Manifest.read(folder)
    assert (made.state, "state.dump" in made.files) == ("postgresql", True)
    assert run(environ, "backup", "verify", str(folder))[0] == 0

    with app.app_context():
        pipeline.current().drain()  # the database goes on: it is no longer of that moment
        consoles.close(app)
    code, said = run(
        {**environ, "PHAROS_INSTANCE": str(tmp_path / "wrong")}, "restore", str(folder)
    )
    assert code == 1
    assert "is not of the backup's moment" in said
    assert "pg_restore --no-owner" in said

    other = f"{name}_restored"
    postgres.create_database(on, other)
    try:
        restored_url = database.database_url.replace(f"/{name}", f"/{other}")
        owner = on.url(postgres.OWNER, other)
        load_dump(folder, superuser.replace(f"/{name}", f"/{other}"), postgres.OWNER + on.suffix)
        environ = {"DATABASE_URL": restored_url, "OWNER_DATABASE_URL": owner}
        assert run({**environ, "PHAROS_INSTANCE": str(tmp_path / "fresh")}, "migrate")[0] == 0
        events, issues, _ = restored(environ, folder, tmp_path / "fresh")
        assert (len(events), sum(issues.values())) == (4, 4)
        with psycopg.connect(on.conninfo, dbname=other) as connection:
            forced = connection.execute(
                "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relrowsecurity"
            ).fetchall()
            assert ("issue",) in forced, "row-level security is on"
    finally:
        on.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(other)))


@pytest.mark.parametrize(
    "both_databases", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_without_a_role_for_dumps_the_command_says_what_to_run_and_waits(
    both_databases, filled, app, database, folder, ordered
):
    name = urlsplit(database.database_url).path[1:]
    superuser = postgres.server(shared()).url("postgres", name)
    heard = []

    def person(stage):
        heard.append(stage)
        if "dumped by hand" in stage:
            command = stage.split(":\n  ")[1].strip()
            command = command.replace("postgresql://SUPERUSER@HOST/DATABASE", f"'{superuser}'")
            subprocess.run(["/bin/sh", "-c", command], check=True)

    with app.app_context():
        orders.order_or_make(orders.Order(folder=str(folder)), person)
    assert any("dumped by hand" in stage for stage in heard)
    assert "state.dump" in Manifest.read(folder).files
