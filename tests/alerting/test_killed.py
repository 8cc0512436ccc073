"""A process that is killed while people and scripts change things leaves no half of one."""

import os
import random

import pytest
from sqlalchemy import func, select

from console.alerting.models import Rule, RuleVersion, Silence
from console.core.audit import AuditEntry
from console.core.db import db
from console.telemetry.store import EXTENSION
from console.uptime.models import MaintenanceWindow, StatusPage, StatusPageCheck
from tests.alerting.changers import change_without_end
from tests.support.clients import make_token
from tests.support.forks import FORKS

KILLS = int(os.environ.get("KILLS", "2"))
MADE = {
    "rule.created": Rule.id,
    "silence.made": Silence.id,
    "maintenance.planned": MaintenanceWindow.id,
    "status page.created": StatusPage.id,
}


@pytest.mark.usefixtures("both_databases")
def test_kill_9_while_things_are_made_and_changed(app, acme, settings, inside, make_rule, capsys):
    members = [make_rule(acme, name=f"Member {number}") for number in range(2)]
    secret = make_token(app, acme, "rules:write", "incidents:write", "checks:write")
    app.extensions[EXTENSION].close()
    for kill in range(KILLS):
        began = FORKS.Event()
        given = (settings, secret, members, f"{kill}", began)
        process = FORKS.Process(target=change_without_end, args=given, daemon=True)
        process.start()
        assert began.wait(90)
        process.join(random.uniform(0, 1))
        assert process.exitcode is None
        process.kill()
        process.join()
    with inside(acme):
        made = {verb: _count(column) for verb, column in MADE.items()}
        made["rule.created"] -= len(members)
        assert made == {verb: _count(AuditEntry.id, AuditEntry.action == verb) for verb in MADE}
        assert all(made.values())
        assert _count(StatusPageCheck.id) == 2 * made["status page.created"]
        changed = _count(AuditEntry.id, AuditEntry.action == "rule.changed")
        assert changed
        assert _count(RuleVersion.id) == made["rule.created"] + changed
        for rule in db.session.scalars(select(Rule).where(Rule.id.not_in(members))):
            own = select(RuleVersion).where(RuleVersion.rule_id == rule.id)
            last = db.session.scalars(own.order_by(RuleVersion.number.desc()).limit(1)).one()
            assert (last.number, last.document) == (rule.version, rule.document)
    with capsys.disabled():
        print(f"\n{KILLS} kills: {made}, {changed} rules changed")


def _count(column, *conditions):
    return db.session.scalar(select(func.count(column)).where(*conditions))
