"""What `pharos status` says of alerting, which an operator reads where no page says anything."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from console import status
from console.alerting.decide import Standing, State
from console.alerting.models import Rule, RuleSeries
from console.alerting.rules import keep_standard
from console.cli.status import _print_status
from console.core import absences
from console.core.db import db
from console.uptime.models import Check


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
    with app.app_context():
        report = status.status()
    assert report["alerting"]["acme"] == {"rules_late": 2, "rules_broken": 1, "checks_late": 1}
    _print_status(report)
    words = capsys.readouterr().out
    for line in ("2 rules are late  acme", "1 rule is broken  acme", "1 check is late  acme"):
        assert f"alerting   {line}\n" in words
    assert "away       the console was away from " in words
