"""Every route, asked by strangers or with foreign ids, tells nothing and changes nothing."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from flask import Flask
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, Connection, create_engine, delete, insert, make_url, select, text
from werkzeug.routing import Rule

from console.accounts.access import Access
from console.core.db import Model
from console.core.persons import personal_models
from tests.support import postgres, tenants
from tests.support.asked import EVERY, noted
from tests.support.clients import bearer
from tests.support.factories import signed_in
from tests.support.fields import fields_of_forms, refusing
from tests.support.run import shared
from tests.support.tenants import Tenant

pytestmark = pytest.mark.slow

PUBLIC = {"public", ""}
SKIPPED = {"asset", "static"}  # files of ours
# Parameter of a path → table of the row that it names.
TABLES = {
    "view_id": "saved_view",
    "dashboard_id": "dashboard",
    "annotation_id": "annotation",
    "link_id": "share_link",
    "issue_id": "issue",
    "key_id": "key",
    "token_id": "api_token",
    "membership_id": "membership",
    "invitation_id": "invitation",
    "session_id": "login_session",
    "browser_id": "known_browser",
    "identity_id": "linked_identity",
    "passkey_id": "passkey",
    "rule_id": "rule",
    "incident_id": "incident",
    "policy_id": "policy",
    "use_id": "policy_use",
    "message_id": "outbox_message",
    "silence_id": "silence",
    "check_id": "uptime_check",
    "window_id": "maintenance_window",
    "page_id": "status_page",
    "channel_id": "channel",
    "account_id": "slack_account",
    "report_id": "report",
    "recipient_id": "report_recipient",
    "edition_id": "report_edition",
}
NAMES = {"filename": "report.csv", "kind": "webhook", "number": 1, "metric_name": "requests.count"}
OF_HEARTBEATS = {"uptime.edit_heartbeat"}  # the tenant has an HTTP check
NOT_READY = "health.ready"  # answers 503 in a console that runs no jobs


@dataclass
class Run:
    """What was asked, and what came of it."""

    probes: int = 0
    cases: int = 0  # that the probes decided, where one decides several
    leaks: list[str] = field(default_factory=list)

    def check(self, what: str, text: str, victim: Tenant, *, changed: bool) -> None:
        self.probes += 1
        if victim.marker in text:
            self.leaks.append(f"{what} tells")
        if changed:
            self.leaks.append(f"{what} changes")


@pytest.fixture
def world(both_databases, app, database) -> Iterator["World"]:
    engine = create_engine(root_url(both_databases, database, app), isolation_level="AUTOCOMMIT")
    with engine.connect() as root:
        yield World(app, tenants.make(app, "acme"), tenants.make(app, "globex"), root)
    engine.dispose()


class World:
    """Two organizations, and the database as nobody but its superuser sees it."""

    def __init__(self, app: Flask, victim: Tenant, own: Tenant, root: Connection) -> None:
        self.app, self.victim, self.own, self.root = app, victim, own, root
        # Whatever forms ask for, so that a request gets past their checks to where ids are used.
        self.fields = fields_of_forms(app)
        is_sqlite = root.dialect.name == "sqlite"
        # What is put back waits for no disk, and sets off no trigger.
        root.execute(
            text("PRAGMA synchronous=OFF" if is_sqlite else "SET session_replication_role=replica")
        )
        for tenant in (victim, own):
            self.eve = signed_in(app, tenant.email)
            rows = self.rows({"login_session", "known_browser"})
            tenant.ids |= {name: found[-1].id for name, found in rows.items()}
        self.queries = {
            table.name: str(select(table).order_by(*table.primary_key).compile(root))
            for table in Model.metadata.sorted_tables
        }
        self.before, self.held = self.rows(self.queries), self.content()
        self.mark = self.writes()

    def rows(self, names: Container[str]) -> dict[str, list[Any]]:
        """Every row of these tables."""
        return {
            table.name: list(self.root.execute(select(table).order_by(*table.primary_key)))
            for table in Model.metadata.sorted_tables
            if table.name in names
        }

    def content(self) -> dict[str, list[Any]]:
        """Every row of every table as the driver gives it, which takes a tenth of the time."""
        cursor = self.root.connection.cursor()
        held = {name: cursor.execute(query).fetchall() for name, query in self.queries.items()}
        cursor.close()
        return held

    def writes(self) -> tuple[Any, int]:
        """What is another whenever somebody has written; and the victim's dead letters."""
        if self.root.dialect.name == "sqlite":
            counted = self.root.scalar(text("PRAGMA data_version"))
        else:  # the next transaction that writes, on the whole server
            counted = self.root.scalar(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))
        at = self.victim.project
        spool = self.app.extensions["pharos.spool"]
        return counted, spool.dead_count(at.organization_id, at.id)

    def victim_changed(self) -> bool:
        """Whether anything of the victim is not as it was; all else is put back as it was."""
        mark, self.mark = self.mark, self.writes()
        if mark == self.mark:
            return False
        different = {name for name, rows in self.content().items() if rows != self.held[name]}
        after = self.before | self.rows(different)
        changed = mine(self.before, self.victim) != mine(after, self.victim)
        self.restore(different)
        letters = mark[1] != self.mark[1]
        self.mark = self.writes()
        return changed or letters

    def restore(self, names: set[str]) -> None:
        """Put these tables back, so that each probe meets the same world."""
        if "audit_entry" in names:  # on SQLite only those of an organization that is gone can go
            names |= {"organization"}
        tables = [table for table in Model.metadata.sorted_tables if table.name in names]
        for table in tables:
            self.root.execute(delete(table))
        for table in tables:
            rows = [dict(row._mapping) for row in self.before[table.name]]
            if rows:
                self.root.execute(insert(table), rows)


def test_strangers_find_nothing(world):
    run, wrong = Run(), []
    for rule, method in routes(world.app, exclude=PUBLIC | {"api", "account"}):
        path = path_of(rule, world.victim, ids_of=world.victim)
        answer = world.eve.open(path, method=method, data=world.fields)
        run.check(f"{method} {path}", body(answer), world.victim, changed=world.victim_changed())
        wrong += [] if answer.status_code == 404 else [f"{answer.status_code} {path}"]
    report(world, "strangers", run)
    assert wrong == []


def test_nobody_gets_in(world):
    run, wrong = Run(), []
    for rule, method in routes(world.app, exclude=PUBLIC):
        path = path_of(rule, world.victim, ids_of=world.victim)
        answer = world.app.test_client().open(path, method=method, data=world.fields)
        run.check(f"{method} {path}", body(answer), world.victim, changed=world.victim_changed())
        expected = 401 if path.startswith("/api/") else 303
        wrong += [] if answer.status_code == expected else [f"{answer.status_code} {path}"]
    report(world, "nobody", run)
    assert wrong == []


def test_foreign_ids_in_ones_own_paths_are_not_found(world):
    run, wrong = Run(), []
    token = bearer(world.own.token)
    for rule, method in routes(world.app, exclude=PUBLIC):
        if not set(rule.arguments) - {"organization", "project", "metric_name", "kind"}:
            continue
        path = path_of(rule, world.own, ids_of=world.victim)
        client, headers = (
            (world.app.test_client(), token) if kind(world.app, rule) == "api" else (world.eve, {})
        )
        answer = client.open(path, method=method, data=world.fields, headers=headers)
        run.check(f"{method} {path}", body(answer), world.victim, changed=world.victim_changed())
        wrong += [] if answer.status_code == 404 else [f"{answer.status_code} {path}"]
    report(world, "foreign ids in paths", run)
    assert wrong == []


def test_foreign_ids_elsewhere_reach_nothing(world):
    foreign = foreign_fields(world.victim)
    with noted(world.app) as asked:
        elsewhere = Elsewhere(world, asked)
        for rule, method in routes(world.app, exclude=set()):
            elsewhere.run.cases += decided(foreign, partial(elsewhere.asked_by, rule, method))
    world.victim_changed()
    report(world, "foreign ids in queries and forms", elsewhere.run)
    assert elsewhere.broken == []


@dataclass
class Elsewhere:
    """Requests for one's own rows, with foreign ids in their query and their form at once.

    A view takes a name from either place, and meets a foreign id in both.
    """

    world: World
    asked: set[str]
    run: Run = field(default_factory=Run)
    broken: list[str] = field(default_factory=list)

    def asked_by(self, rule: Rule, method: str, fields: dict[str, str]) -> set[str]:
        """Send fields; return the names of fields that anything asks for."""
        world, app = self.world, self.world.app
        path = path_of(rule, world.own, ids_of=world.own)
        is_api = kind(app, rule) == "api"
        client = app.test_client() if is_api else world.eve
        headers = bearer(world.own.token) if is_api else {}
        sent: dict[str, Any] = {"query_string": fields}
        if method != "GET":
            sent["data"] = world.fields | fields
        self.asked.clear()
        answer = client.open(path, method=method, headers=headers, **sent)
        asked = set(self.asked) or {EVERY}
        what = f"{method} {path} with {fields}"
        changed = method == "POST" and world.victim_changed()
        self.run.check(what, body(answer), world.victim, changed=changed)
        if answer.status_code >= 500 and rule.endpoint != NOT_READY:
            self.broken.append(what)
        return asked


def test_scripts_reach_their_project_only(world):
    run, wrong = Run(), []
    for rule, method in routes(world.app, exclude=PUBLIC | {"account", "organization", "project"}):
        path = path_of(rule, world.victim, ids_of=world.victim)
        answer = world.app.test_client().open(path, method=method, headers=bearer(world.own.token))
        run.check(f"{method} {path}", body(answer), world.victim, changed=world.victim_changed())
        wrong += [] if answer.status_code == 404 else [f"{answer.status_code} {path}"]
    report(world, "scripts", run)
    assert wrong == []


def test_the_marker_would_be_seen(world):
    """Or the tests above would prove nothing: the owner does see it on nearly every page."""
    owner, blank = signed_in(world.app, world.victim.email), []
    for rule, method in routes(world.app, exclude=PUBLIC | {"account"}):
        if method == "GET" and rule.endpoint not in OF_HEARTBEATS:
            path = path_of(rule, world.victim, ids_of=world.victim)
            is_api = kind(world.app, rule) == "api"
            client = world.app.test_client() if is_api else owner
            answer = client.get(path, headers=bearer(world.victim.token) if is_api else {})
            if answer.status_code == 200 and world.victim.marker not in body(answer):
                blank.append(path)
            # 400 and 422: it asks for a name in its query.
            assert answer.status_code in {200, 204, 302, 303, 400, 422}, (
                f"{answer.status_code} {path}"
            )
    assert len(blank) <= 8, blank


def test_what_is_sent_passes_the_checks_of_every_form(app):
    """Or a probe would end where a field is missing, before its ids are used."""
    fields = fields_of_forms(app)
    assert len(fields) > 30
    assert refusing(app, fields) == set()
    assert refusing(app, dict.fromkeys(fields, "")) > {"CommentForm", "KeyForm", "TokenForm"}


def routes(app: Flask, exclude: set[str]) -> list[tuple[Rule, str]]:
    """Every rule with each of its methods, less those with such an access; changes come last."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in SKIPPED and kind(app, rule) not in exclude
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"})
    ]
    return sorted(found, key=lambda pair: (pair[1] != "GET", pair[0].rule))


def kind(app: Flask, rule: Rule) -> str:
    access: Access | None = getattr(app.view_functions[rule.endpoint], "access", None)
    return access.kind if access else ""


def path_of(rule: Rule, at: Tenant, *, ids_of: Tenant) -> str:
    """The rule's path within one organization, with the ids of another's rows (or its own)."""
    values: dict[str, Any] = {"organization": at.organization.slug, "project": at.project.slug}
    for name in rule.arguments - set(values):
        is_of_all = "project" not in rule.arguments or "/organization-dashboards" in rule.rule
        if name in tenants.OF_ALL and is_of_all:
            values[name] = ids_of.ids[tenants.OF_ALL[name]]
        elif name in TABLES:
            values[name] = ids_of.ids[TABLES[name]]
        else:
            values[name] = getattr(ids_of, name, NAMES.get(name, "x"))
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule.rule
    return str(built[1])


def foreign_fields(victim: Tenant) -> list[dict[str, str]]:
    """The victim's ids under every name that a query or a form may ask for, a few at a time."""
    ids = victim.ids
    named: list[dict[str, Any]] = [
        {"issue": ids["issue"], "assignee": ids["user"], "user": ids["user"]},
        {"issue_id": ids["issue"], "assignee_id": ids["user"], "user_id": ids["user"]},
        {"event": victim.event_id, "cursor": victim.event_id, "position": victim.position},
        {"project_id": victim.project.id, "organization_id": victim.organization.id,
         "key_id": ids["key"], "token_id": ids["api_token"], "before": ids["audit_entry"] + 1,
         "membership_id": ids["membership"], "event_id": victim.event_id,
         "trace_id": victim.trace_id, "fingerprint": victim.fingerprint,
         "next": f"/{victim.organization.slug}/"},
        {"project": victim.project.slug, "organization": victim.organization.slug,
         "environment": victim.organization.slug, "q": victim.organization.slug},
    ]  # fmt: skip
    return [{name: str(value) for name, value in fields.items()} for fields in named]


def decided(groups: list[dict[str, str]], answered: Callable[[dict[str, str]], set[str]]) -> int:
    """Send each group of fields, by itself if anything asks for a name of it; return how many.

    `answered` sends fields and returns the names that were asked for. Groups of which nobody asks
    for a name go together: the answer is the same as to each of them.
    """
    asked, waiting, count = answered(groups[-1]), groups[:-1], 1
    while waiting:
        unknown = [] if EVERY in asked else [each for each in waiting if not asked & each.keys()]
        together = unknown or waiting[:1]
        fields = {name: value for each in together for name, value in each.items()}
        new = answered(fields)
        if len(together) == 1 or (EVERY not in new and not new & fields.keys()):
            waiting = [each for each in waiting if each not in together]
            count += len(together)
        asked |= new
    return count


def mine(rows: dict[str, list[Any]], tenant: Tenant) -> list[Any]:
    """The rows of one organization, its own row, and those of its people."""
    organization_id = tenant.organization.id
    people = {r._mapping["id"] for r in rows["user"] if tenant.marker in r._mapping["email"]}
    found: list[Any] = []
    for name in (model.__tablename__ for model in personal_models()):
        found += [r for r in rows[name] if r._mapping["user_id"] in people]
    for name, table in Model.metadata.tables.items():
        if "organization_id" in table.c:
            found += [r for r in rows[name] if r._mapping["organization_id"] == organization_id]
    found += [r for r in rows["organization"] if r._mapping["id"] == organization_id]
    return found + [r for r in rows["user"] if r._mapping["id"] in people]


def body(answer: Any) -> str:
    """All that an answer tells: its text and its headers."""
    return f"{answer.get_data(as_text=True)}\n{answer.headers}"


def report(world: World, who: str, run: Run) -> None:
    engine = world.root.dialect.name
    cases = f", which decide {run.cases} cases" if run.cases else ""
    print(f"{engine}, {who}: {len(run.leaks)} leaks of {run.probes} probes{cases}")
    assert run.leaks == []
    assert run.probes > 0


def root_url(engine: str, database: Any, app: Flask) -> URL:
    """The database's URL for whom no policy holds."""
    if engine == "sqlite":
        return make_url(f"sqlite:///{app.extensions['pharos.config'].instance / 'state.sqlite'}")
    server = postgres.server(shared())
    reach = conninfo_to_dict(server.conninfo)
    return URL.create(
        "postgresql+psycopg",
        username=str(reach.get("user", "postgres")),
        password=str(reach["password"]) if "password" in reach else None,
        database=str(conninfo_to_dict(database.database_url)["dbname"]),
        query={name: str(reach[name]) for name in ("host", "port") if name in reach},
    )
