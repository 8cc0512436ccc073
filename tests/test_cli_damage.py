"""What commands say about damaged files."""

import json
import os
import resource
import signal
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from console.core import clock
from console.ingest import digest_note, salvage
from console.intake import set_aside
from console.telemetry import store
from tests.ingest.conftest import accepted, digest, envelope, error, waiting
from tests.support import consoles
from tests.support.waiting import until
from tests.test_cli import says

__all__ = ["accepted", "digest", "says", "waiting"]


def test_a_console_does_not_start_on_a_damaged_state_database(says, instance, database):
    (instance / "state.sqlite").write_bytes(b"\xff" * 5000)
    said = says("serve", "--port", "0")
    assert said.code == 1
    assert "state.sqlite is damaged" in said.err
    assert "pharos restore FOLDER" in said.err


@pytest.mark.parametrize("name", ["spool.sqlite", "digest.under-way", "digest.deaths", "id"])
def test_a_console_does_not_start_where_a_folder_is_in_the_place_of_a_file(
    says, instance, database, name
):
    """The digest would have waited for ever, with /healthz and /ready content."""
    (instance / name).mkdir()
    said = says("serve", "--port", "0")
    assert said.code == 1
    assert f"{name} is no file: move it away" in said.err


def test_a_console_does_not_start_with_too_few_files(says, instance, database, monkeypatch):
    """With 32, every event was answered 503 and /healthz was content."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (32, 32))
    said = says("serve", "--port", "0")
    assert said.code == 1
    assert "may have 32 files open, which is too few" in said.err


@pytest.mark.parametrize("name", ["serving.json", "digest.json"])
@pytest.mark.parametrize(
    "content",
    [
        "\0\0",
        "[1]",
        "{}",
        '{"pid": "x", "url": "u", "at": "x"}',
        '{"pid": 99999999999999999999, "url": "u", "at": 1}',
        '{"pid": -1, "url": "u", "at": "2026-11-27"}',
    ],
)
def test_a_damaged_note_is_none(says, acme, instance, name, content):
    (instance / name).write_text(content)
    report = says("status")
    assert report.code == 1
    assert report.out.startswith("console    not running\n")


def test_a_process_that_gets_no_threads_is_told_where_to_look(says, acme, monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("console.cli.status.state.status", refuse)
    said = says("status")
    assert said.code == 1
    assert said.err.startswith("pharos: this process gets no more threads or memory: see ulimit -v")


def test_a_console_whose_digest_pauses_in_an_outage_is_said_to_run(says, acme, instance):
    """Its note is as old as the longest pause; whoever is told that nothing runs starts another."""
    noted = clock.now() - timedelta(seconds=digest_note.LONGEST_PAUSE + 5)
    serving = {"pid": os.getpid(), "url": "http://127.0.0.1:1", "is_public": False}
    (instance / "serving.json").write_text(json.dumps(serving))
    (instance / "digest.json").write_text(json.dumps({"at": noted.isoformat()}))
    said = says("status", "--json")
    assert (said.code, json.loads(said.out)["running"]) == (0, True)


def test_a_spool_that_does_not_open_is_said_with_where_to_look(says, acme, instance):
    (instance / "spool.sqlite").mkdir()
    said = says("status")
    assert said.code == 1
    assert "see the owner and mode of PHAROS_INSTANCE" in said.err


def test_telemetry_that_is_gone_may_begin_anew(says, app, acme, accepted, digest, instance):
    accepted(acme, error())
    digest.drain()
    with app.app_context():
        consoles.close(app)
    path = instance / "telemetry" / f"{acme.organization_id}.duckdb"
    path.unlink()
    said = says("telemetry", "set-aside", "acme")
    assert (said.code, "is gone, which" in said.out) == (0, True)
    with app.app_context():
        store.current().expect([acme.organization_id])
        assert store.current().damages() == {}


def test_a_telemetry_file_is_set_aside_by_a_command(says, acme, instance):
    missing = says("telemetry", "set-aside", "acme")
    assert (missing.code, "has no telemetry file" in missing.err) == (1, True)
    path = instance / "telemetry" / f"{acme.organization_id}.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    assert "is set aside as" in says("telemetry", "set-aside", "acme").out
    assert [one.read_bytes() for one in path.parent.iterdir()] == [b"damaged"]
    assert not path.exists()


def test_status_says_what_was_damaged(says, acme, instance):
    salvage.set_aside(_damaged(instance / "spool.sqlite"), ("k" * 40,), "a test")
    assert "the spool was damaged (a test) and is set aside as" in says("status").out


def _damaged(path):
    path.write_bytes(b"\xff" * 3000)
    return path


def test_a_running_console_replaces_a_spool_and_knows_whose_telemetry_is_gone(server):
    """What damages its file meanwhile costs the sender one 503 at most, and nobody a restart."""
    project = server.project()
    _send(project.dsn)
    project.wait_for(event=1)
    server.stop()
    (server.instance / "telemetry" / "1.duckdb").unlink()
    server.start()
    for name in ("spool.sqlite", "spool.sqlite-wal"):
        path = server.instance / name
        with path.open("r+b") as file:
            file.write(b"\xee" * path.stat().st_size)
    until(lambda: _healthz(server) and set_aside.reports(server.instance), "another spool")
    expected = (200, "ok\ntelemetry-damaged: organization 1\n")
    until(lambda: _healthz(server) == expected, "health that names organization 1")
    dsn = project.dsn.replace(project.dsn.split("@")[1].split("/")[0], server.url[7:])
    assert _send(dsn) == 200
    server.process.signal(signal.SIGHUP)
    assert server.process.returncode == 0, "it ends in order when its terminal is gone"


def _healthz(server):
    try:
        with urlopen(f"{server.url}/healthz") as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def _send(dsn):
    key, _, rest = dsn.removeprefix("http://").partition("@")
    host, _, project_id = rest.partition("/")
    url = f"http://{host}/api/{project_id}/envelope/?sentry_key={key}"
    with urlopen(Request(url, envelope(("event", error())))) as answer:
        return answer.status
