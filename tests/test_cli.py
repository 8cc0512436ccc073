import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from io import StringIO
from urllib.request import Request, urlopen

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import URL, make_url, select

from console import runtime
from console.accounts.models import Membership, Role
from console.accounts.passwords import verify
from console.cli.main import main, pharos
from console.core.audit import AuditEntry
from console.core.db import db
from console.ingest import spool
from tests.accounts.authenticator import set_up
from tests.accounts.passkey_device import added, log_in
from tests.ingest.conftest import envelope, error
from tests.support.clients import bearer
from tests.support.databases import SECRET
from tests.support.factories import PASSWORD, the_person

OF = ("--organization", "acme", "--project", "shop")
CONTROL = "name: Leave control characters out."


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name in group.list_commands(context := click.Context(group)):
        command, here = group.get_command(context, name), (*path, name)
        found += every_command(command, here) if isinstance(command, click.Group) else [here]
    return found


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def says(instance, database, monkeypatch, capsys) -> Callable[..., Said]:
    """`says("project", "list", …, stdin="")` runs a command; settings are given by name."""

    def run(*arguments: str, stdin: str = "", **environ: str) -> Said:
        settings = {"PHAROS_INSTANCE": str(instance), "SECRET_KEY": SECRET, **database.environ}
        monkeypatch.setattr(sys, "argv", ["pharos", *arguments])
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        for name, value in {**settings, **environ}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def made(says):
    """What `pharos project create shop --organization acme` says."""
    return json.loads(says("project", "create", "shop", "--organization", "acme", "--json").out)


@pytest.mark.parametrize("path", every_command(pharos), ids=" ".join)
def test_every_command_has_help(path):
    result = CliRunner().invoke(pharos, [*path, "--help"])
    assert (result.exit_code, result.output[:7]) == (0, "Usage: ")
    assert len(result.output.split("\n\n")) >= 3, "a sentence says what it does"
    assert "...\n" not in result.output.partition("\n")[2], "the list says each in whole"


def test_a_project_is_made_without_a_browser(says, both_databases):
    create = ("project", "create", "Web Shop", "--organization", "Acme Inc", "--json")
    made = json.loads(says(*create).out)
    key = made["dsn"].removeprefix("http://").partition("@")[0]
    assert made == {
        "organization": "acme-inc",
        "project": "web-shop",
        "project_id": 1,
        "dsn": f"http://{key}@localhost:8000/1",
        "posthog_key": f"phc_{key}",
        "api_token": made["api_token"],
        "url": "http://localhost:8000/acme-inc/web-shop/",
    }
    says("project", "create", "Docs", "--organization", "acme-inc")
    listed = says(
        "project", "list", "--organization", "acme-inc", "--json", PHAROS_URL="https://a.b"
    )
    assert json.loads(listed.out)["web-shop"] == f"https://{key}@a.b/1"


def test_the_token_of_a_new_project_opens_its_api(says, made, client):
    def status(token: str, path: str) -> int:
        answer = client.get(f"/api/v1/acme/shop/{path}", headers=bearer(token))
        return int(answer.status_code)

    assert status(made["api_token"], "outcomes") == 200
    of = ("--organization", "acme", "--project", "shop")
    narrow = says("token", "create", *of, "--permission", "outcomes:read").out.strip()
    assert (status(narrow, "outcomes"), status(narrow, "issues")) == (200, 403)


def test_tokens_are_listed_and_revoked(says, made, client):
    (token,) = json.loads(says("token", "list", *OF, "--json").out)
    assert (token["suffix"], token["label"]) == (made["api_token"][-6:], "command line")
    assert f"…{token['suffix']}  command line" in says("token", "list", *OF).out
    assert (
        says("token", "revoke", str(token["id"]), *OF).out == f"Token {token['id']} is revoked.\n"
    )
    header = bearer(made["api_token"])
    assert client.get("/api/v1/acme/shop/outcomes", headers=header).status_code == 401
    assert says("token", "list", *OF).out == ""


def test_links_are_those_of_the_address_that_the_running_console_was_given(says, made, instance):
    """PHAROS_URL is set for the server, and in the shell of the commands it is not, or another."""

    def dsn(note: dict[str, object], **environ: str) -> str:
        (instance / "serving.json").write_text(json.dumps({"pid": os.getpid(), **note}))
        return str(json.loads(says("project", "list", *OF[:2], "--json", **environ).out)["shop"])

    given = {"url": "https://pharos.test", "is_public": True}
    listens = {"url": "http://127.0.0.1:8123", "is_public": False}
    assert dsn(given).endswith("@pharos.test/1")
    assert dsn(listens).endswith("@127.0.0.1:8123/1")
    assert dsn(given, PHAROS_URL="https://other.test").endswith("@pharos.test/1")
    assert dsn(listens, PHAROS_URL="https://other.test").endswith("@other.test/1")


def test_the_version_is_told(says):
    assert says("--version").out == f"pharos {version('pharos')}\n"


def test_a_user_is_made_with_a_password_from_standard_input(says, acme, inside):
    create = ("user", "create", "Bob@Acme.Test", "--organization", "acme", "--role", "admin")
    assert says(*create, stdin=f"{PASSWORD}\n").code == 0, "no terminal, so standard input"
    with inside(acme):
        user = the_person("bob@acme.test")
        assert verify(user.password_hash, PASSWORD)
        membership = select(Membership).where(Membership.user_id == user.id)
        assert db.session.scalars(membership).one().role is Role.ADMIN


@pytest.mark.parametrize("flag", [["--password-stdin"], []])
def test_another_password_lets_in_and_ends_what_the_old_one_began(
    says, both_databases, app, acme, as_ada, inside, flag
):
    for _ in range(6):
        app.test_client().post("/login", data={"email": "ada@acme.test", "password": "wrong"})
    device = added(as_ada)
    said = says("user", "password", "Ada@Acme.test", *flag, stdin="four words in a row\n")
    assert said.out == "ada@acme.test has a new password, and was signed out everywhere.\n"
    assert as_ada.get("/acme/").status_code == 303
    assert log_in(app.test_client(), device).status_code == 422
    form = {"email": "ada@acme.test", "password": "four words in a row"}
    assert as_ada.post("/login", data=form).status_code == 303
    with inside(acme):
        entries = select(AuditEntry).where(AuditEntry.action == "password.set")
        entry = db.session.scalars(entries).one()
        assert (entry.actor, entry.target) == ("command line", "ada@acme.test")


def test_a_weak_password_is_refused(says, acme):
    for given, words in (("short\n", "at least 12 characters"), ("", "holds no password")):
        said = says("user", "password", "ada@acme.test", stdin=given)
        assert (said.code, said.out, words in said.err) == (1, "", True)


def test_an_account_is_unlocked(says, app, acme):
    form = {"email": "ada@acme.test", "password": "wrong"}
    tries = [app.test_client().post("/login", data=form).status_code for _ in range(6)]
    assert tries[-1] == 429
    assert says("user", "unlock", "ada@acme.test").code == 0
    assert app.test_client().post("/login", data=form | {"password": PASSWORD}).status_code == 303


def test_people_are_listed(says, both_databases, acme, globex, as_ada, clock):
    listed = json.loads(says("user", "list", "--json").out)
    emails = "ada@acme.test alice@acme.test eve@globex.test vic@acme.test"
    assert " ".join(person["email"] for person in listed) == emails
    assert listed[2] == {
        "email": "eve@globex.test",
        "name": "Eve",
        "memberships": {"globex": "owner"},
        "two_factor": False,
        "passkeys": 0,
        "last_login_at": None,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", listed[0]["last_login_at"])
    lines = says("user", "list").out.splitlines()
    assert lines[3].endswith("viewer of acme  two-factor off  passkeys 0  last sign-in never")


def test_a_lost_second_factor_is_switched_off(says, both_databases, app, as_ada, inside, acme):
    set_up(as_ada)
    off = ("user", "two-factor", "off", "ada@acme.test")
    assert says(*off).out == "ada@acme.test signs in by password alone.\n"
    form = {"email": "ada@acme.test", "password": PASSWORD}
    assert app.test_client().post("/login", data=form).location == "/"
    assert says(*off).err == "pharos: ada@acme.test has no two-factor sign-in\n"
    with inside(acme):
        entry = select(AuditEntry).where(AuditEntry.action == "two_factor.switched_off")
        assert db.session.scalars(entry).one().actor == "command line"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["project", "create", "shop", "--organization", "acme"],
            "acme has a project shop already",
        ),
        (["project", "list", "--organization", "nobody"], "there is no organization nobody"),
        (["project", "create"], "Missing argument 'NAME'."),
        (["user", "unlock", "nobody@acme.test"], "nobody@acme.test has no account"),
        (["user", "password", "nobody@acme.test"], "nobody@acme.test has no account"),
        (["nonsense"], "No such command 'nonsense'."),
        (["token", "create", "--organization", "acme", "--project", "x"], "acme has no project x"),
        (["serve", "--port", "x"], "Invalid value for '--port': 'x' is not a valid integer."),
        (
            ["dead-letters", "retry", "7", "--organization", "acme", "--project", "shop"],
            "there is no dead letter 7 in shop",
        ),
        (
            ["user", "create", "ada@acme.test", "--password-stdin"],
            "ada@acme.test has an account already",
        ),
        (["user", "create", "a b@c"], "email: Write it as name@example.com."),
        (
            ["user", "create", "new@acme.test", "--name", "x" * 101],
            "name: Use at most 100 letters.",
        ),
        (["project", "create", " ", "--organization", "acme"], "name: Give it a name."),
        (["project", "create", "a", "--organization", "b\x1b[2J"], CONTROL),
        (["project", "create", "\x07bell", "--organization", "acme"], CONTROL),
        (["token", "create", *OF, "--label", "x" * 61], "label: At most 60 characters."),
        (["token", "revoke", "7", *OF], "shop has no token 7"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(acme, says, arguments, sentence):
    said = says(*arguments)
    assert said.code != 0
    assert said.out == ""
    assert said.err.startswith(f"pharos: {sentence}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SECRET_KEY": "short"}, "pharos: SECRET_KEY is shorter than 32 characters\n"),
        (
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"},
            "pharos: DATABASE_URL: no server listens there (",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(says, environ, sentence):
    said = says("status", **environ)
    assert said.code != 0
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "both_databases", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_what_postgresql_refuses_names_its_variable(says, both_databases, database):
    app, owner = make_url(database.database_url), make_url(database.owner_database_url)

    def refusal(app: URL, owner: URL) -> str:
        shown = [url.render_as_string(hide_password=False) for url in (app, owner)]
        said = says("migrate", DATABASE_URL=shown[0], OWNER_DATABASE_URL=shown[1])
        assert (said.code, said.err.count("\n")) == (1, 1)
        return str(said.err).removeprefix("pharos: ")

    assert refusal(app.set(username="nobody"), owner).startswith(
        "DATABASE_URL: the role is not there"
    )
    assert refusal(app, owner.set(username="nobody")).startswith(
        "OWNER_DATABASE_URL: the role is not"
    )
    assert refusal(app.set(database="nowhere"), owner).startswith(
        "DATABASE_URL: the database is not"
    )
    assert refusal(app, owner.set(database="nowhere")).startswith(
        "OWNER_DATABASE_URL: the database is"
    )
    assert refusal(owner, app).endswith("are the two addresses swapped?\n")


def test_a_database_without_tables_says_what_to_do(says, tmp_path):
    fresh = str(tmp_path / "fresh")
    said = says("status", PHAROS_INSTANCE=fresh)
    assert said.code == 1
    assert said.err.startswith(
        "pharos: the database lacks tables or columns, run `pharos migrate`: "
    )
    assert "`pharos serve`" in says("migrate", PHAROS_INSTANCE=fresh).out
    assert "not running" in says("status", PHAROS_INSTANCE=fresh).out


def test_dead_letters_are_listed_and_retried(says, acme, app):
    with app.app_context():
        waiting = spool.current()
    waiting.append(
        spool.SpoolRow(
            organization_id=acme.organization_id,
            project_id=acme.id,
            key_id=1,
            received_at=acme.created_at,
            kind="sentry.envelope",
            body=envelope(("event", error())),
        )
    )
    waiting.bury(waiting.read()[0], "KeyError in a test")
    waiting.close()
    of = ("--organization", "acme", "--project", "shop")
    (letter,) = json.loads(says("dead-letters", "list", *of, "--json").out)
    assert letter["reason"] == "KeyError in a test"
    assert "KeyError in a test" in says("dead-letters", "list", *of).out
    assert says("dead-letters", "retry", str(letter["position"]), *of).out == "1 queued again.\n"
    status = json.loads(says("status", "--json").out)
    assert (status["spool"]["rows"], status["spool"]["dead_letters"]) == (1, 0)
    assert (status["running"], status["url"]) == (False, "")
    assert says("status").out.startswith("console    not running\n")
    assert says("status").code == 1


def test_serve_prints_where_it_is_and_how_to_set_it_up(server):
    log = server.log.read_text()
    assert f"Pharos answers on {server.url}\n" in log
    assert f"Set it up: {server.url}/setup?token=" in log
    assert "PHAROS_URL" not in log, "it listens on loopback"
    assert SECRET not in log


@pytest.mark.parametrize(
    ("host", "given", "warned"),
    [
        ("127.0.0.1", "", False),
        ("::1", "", False),
        ("0.0.0.0", "", True),
        ("pharos.internal", "", True),
        ("0.0.0.0", "https://pharos.test", False),
    ],
)
def test_a_console_that_others_reach_asks_for_its_url(settings, caplog, host, given, warned):
    url = runtime.of_this_machine(f"http://{host}:8000")
    runtime.warn_of_a_missing_url(replace(settings, base_url=given), host, url)
    assert ("PHAROS_URL is not set" in caplog.text) == warned
    assert ("http://localhost:8000" in caplog.text) == (warned and host == "0.0.0.0")


def test_a_second_console_on_one_instance_is_refused(server, says):
    said = says("serve", "--port", "0")
    assert (said.code, said.err) == (1, f"pharos: another console runs on {server.instance}\n")


@pytest.mark.parametrize(
    "both_databases", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_a_second_instance_on_one_database_is_refused(both_databases, server, says, tmp_path):
    said = says("serve", "--port", "0", PHAROS_INSTANCE=str(tmp_path / "second"))
    assert said.code == 1
    assert said.err == "pharos: another instance digests into this database: give each its own\n"


def test_status_follows_a_running_console(server, both_databases):
    project = server.project()
    _send(project.dsn)
    assert project.wait_for(event=1) == {("event", "stored"): 1}
    status = json.loads(server.run("status", "--json"))
    assert (status["running"], status["url"]) == (True, server.url)
    assert status["positions"]["acme"] > 0
    assert "retention" in status["jobs"]["runs"]
    with urlopen(f"{server.url}/healthz") as answer:
        assert answer.read() == b"ok\n"
    server.stop()
    assert server.process.returncode == 0
    assert "Traceback" not in server.log.read_text()
    assert not json.loads(server.run("status", "--json", code=1))["running"]


def _send(dsn: str) -> None:
    key, _, rest = dsn.removeprefix("http://").partition("@")
    host, _, project_id = rest.partition("/")
    url = f"http://{host}/api/{project_id}/envelope/?sentry_key={key}"
    with urlopen(Request(url, envelope(("event", error())))) as answer:
        assert answer.status == 200
