"""What the console reports of itself tells nothing of anybody's pages, whatever is asked of it."""

import logging
from collections.abc import Iterator
from functools import partial, wraps
from urllib.parse import quote

import pytest
import sentry_sdk
from flask import Flask
from sqlalchemy import text

from console.accounts import operators
from console.accounts.access import access_of
from console.core.crypto import Token, new_token
from console.core.db import db
from console.ingest import pipeline, spool
from console.integrations import selfmonitor
from console.telemetry import store
from tests.support import tenants
from tests.support.clients import bearer
from tests.support.factories import signed_in
from tests.support.fields import fields_of_forms
from tests.test_isolation_routes import routes

MARK = "marker-7f3e9a"
NUMBER = "987654321"  # of a row; longer than digits that an id may have by chance
SECRET = new_token(Token.INVITATION)[0]
EMAIL = f"{MARK}@private.test"
HEADERS = {
    "Referer": f"https://pharos.test/invite/{SECRET}?q={MARK}",
    "User-Agent": f"Mozilla {MARK}",
    "Baggage": f"sentry-user_id={MARK},sentry-trace_id={'a' * 32},sentry-transaction={MARK}",
    "Sentry-Trace": f"{'a' * 32}-{'b' * 16}-1",
    "X-Forwarded-For": "203.0.113.7",
    "X-Note": MARK,
    "HX-Current-URL": f"https://pharos.test/?q={MARK}",
}


@pytest.fixture
def reporting(app, acme, monkeypatch) -> Iterator[Flask]:
    """A console that reports its own errors and traces, as a running one does."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(selfmonitor, "QUEUE", 100_000)
    with app.app_context():
        operators.establish()
        selfmonitor.start(app, "", spool.current(), "pharos@test")
    yield app
    selfmonitor.stop()
    sentry_sdk.get_global_scope().set_client(None)
    with app.app_context():
        spool.current().close()
        store.current().close()


def reported(app: Flask) -> str:
    """All that has gone into the spool, and then what is left of it in telemetry and state."""
    sentry_sdk.flush(60)
    with app.app_context():
        rows = spool.current().read(limit_rows=100_000, limit_bytes=1 << 30)
        pipeline.current().drain()
        own = operators.organization_of_operators()
        assert own is not None
        with store.current().using(own) as database, database.transaction() as connection:
            stored = [
                repr(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
                for table in ("error_event", "span")
            ]
    return "\n".join([*(row.body.decode() + str(row.header) for row in rows), *stored])


def values_of(rule, tenant) -> dict[str, str]:
    """Values that lead to the view: its own slugs, and the mark where any text may stand."""
    values = {"organization": tenant.organization.slug, "project": tenant.project.slug}
    for name in rule.arguments - set(values):
        converter = type(rule._converters[name]).__name__
        plain = MARK if "Unicode" in converter else NUMBER
        values[name] = SECRET if name == "token" else str(getattr(tenant, name, plain))
    return values


def asked(app: Flask, tenant, marked: Flask | None = None) -> list[str]:
    """Ask every route with marks in each place; return the routes."""
    client = signed_in(app, tenant.email)
    fields = fields_of_forms(app)
    found = []
    for rule, method in routes(app, exclude=set()):
        built = rule.build(values_of(rule, tenant), append_unknown=False)
        assert built is not None
        access = access_of(app, rule.endpoint)
        token = bearer(tenant.token)
        headers = HEADERS | (token if access and access.kind == "api" else {})
        form = fields | {"email": EMAIL, "name": MARK, "q": MARK, "confirmation": MARK}
        client.set_cookie("note", MARK)
        client.open(
            f"{built[1]}?q={MARK}&token={SECRET}&next={quote(f'/invite/{SECRET}')}",
            method=method,
            data=form if method != "GET" else None,
            headers=headers,
        )
        found.append(rule.rule)
    return found


@pytest.mark.slow
def test_no_route_tells_what_it_was_asked(reporting, caplog):
    """Traces: the address, the form, headers and cookies of every page."""
    tenant = tenants.make(reporting, "globex")
    asked(reporting, tenant)
    told = reported(reporting)
    assert '"/<slug:organization>/<slug:project>/issues/"' in told
    for secret in (MARK, SECRET, EMAIL, NUMBER, "203.0.113.7", tenant.token, tenant.marker):
        assert secret not in told, told[max(0, told.index(secret) - 300) :][:600]
        assert secret not in caplog.text


def test_no_error_tells_what_it_was_asked(reporting, caplog):
    """Errors of every view, with an exception that quotes a person and a link."""
    tenant = tenants.make(reporting, "globex")
    client_of = reporting.view_functions
    whole = dict(client_of)

    def broken(**values):
        local = f"{EMAIL} {SECRET}"
        logging.getLogger("console.test").error("failed for %s at %d", local, 17)
        logging.getLogger("other").error(f"failed for {local}")  # noqa: G004 - as others do
        raise ValueError(f"no such person {local}: {values}")

    signed = signed_in(reporting, tenant.email)
    try:
        for name, view in whole.items():
            client_of[name] = wraps(view)(partial(broken))
        for rule, method in routes(reporting, exclude=set()):
            built = rule.build(values_of(rule, tenant), append_unknown=False)
            assert built is not None
            answer = signed.open(f"{built[1]}?q={MARK}", method=method, headers=HEADERS, data=None)
            assert answer.status_code == 500, rule.rule
    finally:
        client_of.update(whole)
    told = reported(reporting)
    assert "ValueError" in told
    assert "failed for %s at %d" in told
    assert "in broken" in told or '"broken"' in told
    for secret in (MARK, SECRET, EMAIL, NUMBER, "203.0.113.7", tenant.token):
        assert secret not in told, told[max(0, told.index(secret) - 300) :][:600]
    logged = [record.getMessage() for record in caplog.records if record.name == "console.app"]
    assert logged
    assert not any(MARK in line or SECRET in line for line in logged)


def test_errors_of_the_database_tell_no_values(reporting, caplog):
    with reporting.app_context():
        try:
            db.session.execute(text("SELECT :given FROM no_such_table"), {"given": EMAIL})
        except Exception:
            logging.getLogger("console.test").exception("it failed")
    told = reported(reporting)
    assert "no_such_table" in told, "what failed is told"
    assert EMAIL not in told + caplog.text
