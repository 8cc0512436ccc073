"""What `pharos status` says of alerting, which an operator reads where no page says anything."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from console import status
from console.alerting.decide import Standing, State
from console.alerting.models import Rule, RuleSeries
from console.alerting.rules import keep_standard
from console.cli.main import _about_database
from console.cli.status import _print_status
from console.core import absences, failures
from console.core.db import db
from console.uptime.models import Check


def test_a_disk_that_is_nearly_full_is_named(app, instance, monkeypatch, capsys):
    with app.app_context():
        report = status.status()
        assert report["disk"]["folder"] == str(instance.resolve())
        _print_status(report)
        assert "disk  " not in capsys.readouterr().out
        monkeypatch.setattr(
            "shutil.disk_usage", lambda _folder: SimpleNamespace(total=10**9, free=5 << 20)
        )
        _print_status(status.status())
    place = f"the disk of {instance.resolve()} (PHAROS_INSTANCE)"
    assert f"disk       NEARLY FULL: 5 MB left on {place}\n" in capsys.readouterr().out


def test_sqlite_without_room_names_its_disk(instance, monkeypatch):
    monkeypatch.setenv("PHAROS_INSTANCE", str(instance))
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    said = _about_database(OperationalError("INSERT", {}, full))
    assert said.endswith(f"full; it is the disk of {instance.resolve()} (PHAROS_INSTANCE)")


def test_rules_and_checks_that_are_late_or_broken(app, acme, inside, clock, capsys, both_databases):
    now = clock.now()
    long_ago = now - timedelta(minutes=9)
    with inside(acme):
        keep_standard(acme.organization_id)
        first, second, *_ = db.session.scalars(select(Rule).order_by(Rule.id))
        first.next_due, second.next_due = long_ago, long_ago
        standing = replace(Standing(), state=State.BROKEN)
        db.session.add(
            RuleSeries(
                rule_id=first.id, value="", state=State.BROKEN, standing=standing.document,
                changed_at=now,
            )
        )  # fmt: skip
        db.session.add(Check(project_id=acme.id, slug="a", name="A", next_due=long_ago))
        db.session.commit()
        absences.add(long_ago, now)
        failures.add("settle-check-ins", "the telemetry file is gone")
    with app.app_context():
        report = status.status()
    assert report["alerting"]["acme"] == {"rules_late": 2, "rules_broken": 1, "checks_late": 1}
    _print_status(report)
    words = capsys.readouterr().out
    for line in ("2 rules are late  acme", "1 rule is broken  acme", "1 check is late  acme"):
        assert f"alerting   {line}\n" in words
    assert "failing    settle-check-ins since 2" in words
    assert ": the telemetry file is gone  acme\n" in words
    assert "away       the console was away from " in words
