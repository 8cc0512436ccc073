"""Decisions of rules, and how late the latest was, counted from them in plain Python."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from console.accounts.models import Project
from console.alerting.composite import Member, condition, definition
from console.alerting.condition import Verdict
from console.alerting.decide import State
from console.alerting.models import Evaluation, Rule
from console.core.db import db
from tests.support.counting import Row, of_all
from tests.telemetry.samples import NOON

NAMES = ("Slow", "Slow", "Broken", "Late")


def lag(rows: Sequence[Row]) -> float:
    return float(max((row["decided_at"] - row["at"]) / timedelta(seconds=1) for row in rows))


RULES = {"rules.lag": of_all(lag)}


def stored(dice: Random, project: Project, hours: int) -> list[Row]:
    """Decisions of three rules; some were made for late data, and count for no lag."""
    members = [Member(1), Member(2)]
    document = definition(members, condition(members)).document
    rules = {name: _rule(project, name, document) for name in set(NAMES)}
    db.session.flush()
    rows: list[Row] = []
    for number in range(60):
        at = NOON + timedelta(seconds=60 * number - 600)
        decided_at = at + timedelta(seconds=dice.randrange(30, hours * 400))
        name = dice.choice(NAMES)
        row = {"at": at, "decided_at": decided_at, "rule_id": rules[name].id}
        is_late = dice.random() < 0.2
        verdict, state = Verdict.CLEAR, State.OK
        db.session.add(
            Evaluation(
                **row,
                organization_id=project.organization_id,
                version=1,
                verdict=verdict,
                state=state,
                watermark=None if is_late else decided_at,
            )
        )
        if decided_at >= NOON and not is_late:
            rows.append({**row, "rule": str(rules[name].id), "timestamp": decided_at})
    return rows


def _rule(project: Project, name: str, document: dict[str, object]) -> Rule:
    times = dict.fromkeys(("evaluated_until", "next_due", "settled_until"), NOON)
    own = {"organization_id": project.organization_id, "project_id": project.id}
    rule = Rule(**own, **times, name=name, document=document)
    db.session.add(rule)
    return rule
