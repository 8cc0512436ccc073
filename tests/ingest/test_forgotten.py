"""Retention means that the text is gone: from issues, comments, releases, files and logs."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import inspect, select, text, update

from console.accounts.models import MonitoringConfig, Release
from console.core import clock as time
from console.core import owner
from console.core.db import db
from console.detection import fixes
from console.errors import deletion
from console.errors.forgetting import QUOTE_GONE, UNNAMED, without_quotes
from console.errors.models import Comment, Issue, IssueHash, IssueRelease, IssueUser
from console.ingest import erasure, spool, upkeep
from console.telemetry import bodies as packed
from console.telemetry import kinds, store
from tests.ingest.conftest import envelope
from tests.ingest.envelopes import event
from tests.support.scheduled import perform

WORD = "Lindenweg"
SAYS = f"Frida Example, {WORD} 4, could not pay"
PLACES = [
    "release", "environment", "transaction", "server_name", "logger", "dist", "culprit",
]  # fmt: skip


def planted(**more):
    """An event of three days ago that has the word in every place that a client can fill."""
    frame = {"function": WORD, "module": WORD, "filename": f"{WORD}.py", "lineno": 4}
    frame |= {"vars": {"street": WORD}}
    stack = {"frames": [{**frame, "context_line": WORD, "pre_context": [WORD]}]}
    return event(
        timestamp=(time.now() - timedelta(days=3)).timestamp(),
        exception={"values": [{"type": "ValueError", "value": SAYS, "stacktrace": stack}]},
        user={"id": WORD, "username": WORD, "email": f"{WORD}@example.com"},
        tags={"street": WORD, WORD: "4"},
        extra={"street": WORD},
        contexts={"order": {"street": WORD}},
        breadcrumbs=[{"message": WORD, "category": WORD, "data": {"street": WORD}}],
        request={"url": f"https://shop.test/{WORD}", "headers": {"X-Street": WORD}, "data": WORD},
        modules={WORD: "1"},
        fingerprint=[WORD, "{{ default }}"],
        **{name: f"{WORD}-{name}" for name in PLACES},
        **more,
    )  # fmt: skip


@pytest.fixture
def sent(acme, inside, accepted, digest):
    """Two events of one bug with the word, digested; and a comment that quotes it."""
    accepted(acme, planted(), planted())
    digest.drain()
    with inside(acme):
        issue = db.session.scalars(select(Issue)).one()
        said = f"Seen by support:\n> {SAYS}\nWe call her.\n```\n{WORD}\n```\nShe wrote: {SAYS}."
        db.session.add(Comment(issue_id=issue.id, text=said))
        db.session.commit()
    return issue


def keep(inside, acme, days):
    with inside(acme):
        db.session.execute(update(MonitoringConfig).values(retention_days=days))
        db.session.commit()


def clean_up(inside, acme):
    with inside(acme):
        upkeep.apply_retention(acme.organization_id)
        upkeep.forget_people(acme.organization_id)


def test_an_issue_without_events_stays_as_a_number_with_its_dates(
    both_databases, acme, inside, sent
):
    keep(inside, acme, 1)
    clean_up(inside, acme)
    with inside(acme):
        issue = db.session.scalars(select(Issue)).one()
        assert (issue.title, issue.culprit, issue.searched) == ("ValueError", "", "")
        assert (issue.first_release, issue.last_release) == ("", "")
        assert (issue.events, issue.users) == (2, 1)
        assert issue.first_seen <= issue.last_seen < time.now() - timedelta(days=2)
        comment = db.session.scalars(select(Comment.text)).one()
        assert "We call her." in comment
        assert WORD not in comment
        assert db.session.scalars(select(IssueHash.components)).all() == [[]]
        for table in (IssueUser, IssueRelease, Release):
            assert db.session.scalars(select(table)).all() == []


def test_the_word_is_in_no_row_and_no_file_once_its_events_are_too_old(
    both_databases, app, acme, inside, sent, waiting, stored, instance
):
    assert rows_with_it(app, acme, stored(acme))
    with app.app_context():
        database = store.current().using(acme.organization_id)
        with database as opened:
            opened.checkpoint()
    assert f"{acme.organization_id}.duckdb" in files_with_it(instance)
    keep(inside, acme, 1)
    clean_up(inside, acme)
    with inside(acme):
        upkeep.tidy_telemetry(acme.organization_id)
    assert rows_with_it(app, acme, stored(acme)) == []
    waiting.close()
    assert files_with_it(instance) == []


def visits(word):
    """What a client sends of a request, two sessions and a job, with a word in every place."""
    at, trace = time.now().timestamp(), "a" * 16 + uuid4().hex[:16]
    span = {"trace_id": trace, "start_timestamp": at - 1, "timestamp": at, "status": word}
    child = span | {"op": f"db.{word}", "origin": word, "data": {word: word, "db.system": "mysql"}}
    root = span | {"span_id": "1" * 16, "op": word, "data": {"http.route": f"/{word}"}}
    places = {name: f"{word}-{name}" for name in ("release", "environment", "server_name", "dist")}
    attributes = {"release": word, "environment": word, "ip_address": "203.0.113.9"}
    return envelope(
        (
            "transaction",
            {
                "type": "transaction",
                "event_id": uuid4().hex,
                "transaction": f"/{word}",
                "transaction_info": {"source": "route"},
                "start_timestamp": at - 1,
                "timestamp": at,
                "contexts": {"trace": root, "order": {"street": word}},
                "spans": [
                    child | {"span_id": f"{n:016x}", "parent_span_id": "1" * 16, "description": sql}
                    for n, sql in enumerate([f"SELECT * FROM {word} WHERE id = {n}" for n in "12"])
                ],
                "tags": {word: word},
                "user": {"id": word},
                "request": {"url": f"https://shop.test/{word}"},
                **places,
            },
        ),
        ("session", {"sid": uuid4().hex, "did": word, "init": True, "status": "ok", "seq": 1,
                     "started": time.now().isoformat(), "attrs": attributes}),
        ("sessions", {"attrs": attributes, "aggregates": [
            {"started": time.now().isoformat(), "did": word, "exited": 1}]}),
        ("check_in", {"check_in_id": uuid4().hex, "monitor_slug": "nightly", "status": "error",
                      "environment": word.lower(), "release": word,
                      "monitor_config": {"schedule": {"type": "interval", "value": 1,
                                                      "unit": "day"}}}),
    )  # fmt: skip


def test_the_word_of_requests_sessions_pages_and_jobs_goes_too(
    both_databases,
    app,
    acme,
    inside,
    accepted,
    digest,
    waiting,
    stored,
    instance,
    clock,
    client,
    key,
):
    def send(word):
        accepted(acme, body=visits(word))
        load = {"v": 1, "key": key, "page": f"/{word}", "rel": word, "env": word, "nav": "navigate"}
        load["m"] = [{"n": "LCP", "v": 2100.0, "id": uuid4().hex, "a": {"element": word}}]
        answer = client.post(f"/api/{acme.id}/beacon/", data=json.dumps(load))
        assert answer.status_code == 204
        digest.drain()
        for job in ("detect", "settle-check-ins", "store-check-results", "group-errors",
                    "roll-up-vitals"):  # fmt: skip
            with app.app_context():
                perform(job)

    send(WORD)
    assert len(set(rows_with_it(app, acme, stored(acme)))) > 4
    clock.move(days=3)
    send("Harmless")  # what stays is in the same blocks of the file
    keep(inside, acme, 1)
    with inside(acme):
        fixes.forget_old(acme.organization_id)
    clean_up(inside, acme)
    with inside(acme):
        upkeep.tidy_telemetry(acme.organization_id)
    assert rows_with_it(app, acme, stored(acme)) == []
    waiting.close()
    assert files_with_it(instance) == []


def test_a_deleted_issue_leaves_the_word_nowhere(
    both_databases, app, acme, inside, accepted, digest, waiting, stored, instance, as_ada
):
    """Releases and environments are the project's: the word is everywhere else."""
    named = {"release": "shop@1", "environment": "live"}
    accepted(acme, planted() | named, planted() | named, event(message="harmless"))
    digest.drain()
    with inside(acme):
        store.current().close()  # what the log has is in the file
        issue = db.session.scalars(select(Issue).where(Issue.title.contains(WORD))).one()
        url = f"/acme/shop/issues/{issue.id}/deletion"
        db.session.add(Comment(issue_id=issue.id, text=SAYS))
        db.session.commit()
    assert rows_with_it(app, acme, stored(acme))
    assert as_ada.post(url).status_code == 303
    with inside(acme):
        deletion.erase(acme.organization_id)
    clean_up(inside, acme)
    assert rows_with_it(app, acme, stored(acme)) == []
    waiting.close()
    assert files_with_it(instance) == []


def test_a_deleted_project_leaves_the_word_nowhere(
    both_databases, app, acme, inside, sent, waiting, stored, instance, clock, as_ada
):
    with inside(acme):
        name = acme.name
    answer = as_ada.post("/acme/shop/settings/deletion", data={"confirmation": name})
    assert answer.status_code == 303
    clock.move(hours=2)
    with inside(acme.organization_id):
        upkeep.apply_retention(acme.organization_id)
    assert rows_with_it(app, acme, stored(acme)) == []
    waiting.close()
    assert files_with_it(instance) == []


def test_a_deleted_organization_leaves_the_word_nowhere(
    both_databases, app, acme, settings, sent, waiting, stored, instance
):
    assert files_with_it(instance)
    with app.app_context():
        db.session.remove()
        assert owner.delete_organization(settings, acme.organization_id)
        erasure.erase_organization(instance / spool.FILE, acme.organization_id)
        upkeep.forget_organizations()
    waiting.close()
    assert files_with_it(instance) == []
    assert rows_with_it(app, acme, stored(acme)) == []


def test_a_bug_that_comes_back_has_its_texts_again(acme, inside, sent, accepted, digest):
    keep(inside, acme, 1)
    clean_up(inside, acme)
    accepted(acme, planted() | {"timestamp": time.now().timestamp()})
    digest.drain()
    with inside(acme):
        issue = db.session.scalars(select(Issue)).one()
        assert (issue.events, issue.forgotten_at) == (3, None)
        assert SAYS in issue.title
        assert WORD.lower() in issue.searched.lower()


def test_an_issue_with_an_event_that_is_kept_keeps_its_texts(acme, inside, sent, accepted, digest):
    accepted(acme, planted() | {"timestamp": time.now().timestamp()})
    digest.drain()
    keep(inside, acme, 1)
    clean_up(inside, acme)
    with inside(acme):
        issue = db.session.scalars(select(Issue)).one()
        assert SAYS in issue.title
        assert issue.users == len(db.session.scalars(select(IssueUser)).all()) == 1


def test_a_message_has_no_type_to_be_named_by(acme, inside, accepted, digest):
    when = (time.now() - timedelta(days=3)).timestamp()
    accepted(acme, event(message=SAYS, timestamp=when))
    digest.drain()
    keep(inside, acme, 1)
    clean_up(inside, acme)
    with inside(acme):
        assert db.session.scalars(select(Issue.title)).all() == [UNNAMED]


def test_people_of_whom_no_event_is_left_are_forgotten(acme, inside, accepted, digest):
    bug = {"message": "it broke"}
    old, new = time.now() - timedelta(days=3), time.now()
    accepted(acme, event(**bug, user={"id": "1"}, timestamp=old.timestamp()))
    accepted(acme, event(**bug, user={"id": "2"}, timestamp=new.timestamp()))
    digest.drain()
    keep(inside, acme, 1)
    clean_up(inside, acme)
    with inside(acme):
        assert len(db.session.scalars(select(IssueUser)).all()) == 1
        assert db.session.scalars(select(Issue.users)).all() == [2]


@pytest.mark.parametrize(
    ("comment", "left"),
    {
        "> could not pay\nCalled.": f"{QUOTE_GONE}\nCalled.",
        "See\n```\nraise E\n```\nnow": f"See\n{QUOTE_GONE}\nnow",
        "```\nnever closed": QUOTE_GONE,
        "It said could not pay to us": f"It said {QUOTE_GONE} to us",
        "E: could not pay": QUOTE_GONE,
        "a > b, and E": "a > b, and E",
    }.items(),
)
def test_a_comment_loses_what_it_quotes(comment, left):
    assert without_quotes(comment, ("E: could not pay", "")) == left


def rows_with_it(app, project, stored):
    """Tables of either store that hold the word, compressed or not."""
    tables = {table for kind in kinds.KINDS for table in kind.erased}
    holding = [
        table.name
        for table in tables
        for row in stored.rows(table)
        if WORD in repr(row) or WORD in repr(packed.unpack(row._mapping.get("body", b"")))
    ]
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(unscoped=True)
        if connection.dialect.name == "postgresql":
            setting = {"id": str(project.organization_id)}
            connection.execute(text("SELECT set_config('app.organization_id', :id, true)"), setting)
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            holding += [table for row in rows if WORD in repr(row)]
    return holding


def files_with_it(instance):
    """The files of the instance that hold the word as it was sent."""
    files = [path for path in instance.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if WORD.encode() in path.read_bytes()]
