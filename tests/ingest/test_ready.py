from dataclasses import replace

import pytest
from sqlalchemy import text

from console.core import canary, config, readiness
from console.core.db import db
from console.ingest import guardrails, pipeline
from tests.ingest.conftest import error


@pytest.fixture
def reasons(app, client, waiting, monkeypatch):
    """`reasons()` asks /ready anew; what is wrong the first time counts at once."""
    monkeypatch.setattr(readiness, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(readiness, "WAIT_SECONDS", 60.0)

    def ask(*, ready: bool = False) -> dict[str, str]:
        answer = client.get("/ready")
        expected = ready or not answer.json["reasons"]
        assert (answer.json["ready"], answer.status_code) == (expected, 200 if expected else 503)
        assert answer.headers["Cache-Control"] == "no-store"
        return {reason["code"]: reason["detail"] for reason in answer.json["reasons"]}

    return ask


def test_a_console_that_works_is_ready(both_databases, reasons):
    assert reasons() == {}


def test_a_database_that_was_not_migrated_is_a_reason(app, reasons):
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()
    assert reasons().keys() == {"migrations"}


def test_a_lost_secret_key_is_a_reason(app, reasons):
    with app.app_context():
        canary.renew(("k" * 40,))
    assert reasons().keys() == {"secret-key"}
    settings = app.extensions[config.EXTENSION]
    app.extensions[config.EXTENSION] = replace(settings, secret_key_fallbacks=("k" * 40,))
    assert reasons() == {}


def test_a_full_disk_and_an_ended_digest_are_reasons_at_once(app, reasons, monkeypatch):
    assert reasons() == {}
    monkeypatch.setattr(type(app.extensions[guardrails.DISK]), "is_low", True)
    monkeypatch.setattr(pipeline.Pipeline, "alive", lambda _: False)
    assert reasons().keys() == {"disk-low", "digest-ended"}


def test_a_spool_that_takes_no_rows_is_a_reason(waiting, reasons, monkeypatch):
    monkeypatch.setattr(type(waiting), "trouble", lambda _: "spool-full")
    assert reasons() == {"spool": "the spool takes no rows: spool-full"}


def test_damaged_telemetry_of_one_organization_is_told_and_keeps_nobody_out(
    acme, accepted, digest, instance, reasons
):
    (instance / "telemetry").mkdir(exist_ok=True)
    (instance / "telemetry" / f"{acme.organization_id}.duckdb").write_bytes(b"no database" * 999)
    accepted(acme, error())
    digest.digest_once()
    assert reasons(ready=True) == {
        "telemetry-damaged": "telemetry files that are damaged or gone: 1"
    }
