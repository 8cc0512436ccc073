"""The numbers of alerting itself, so that a rule can watch the rules.

Alerting stands on the catalogue and cannot join it: its tables are named here, not imported.
"""

from datetime import timedelta

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    and_,
    cast,
    column,
    func,
    literal_column,
    table,
)

from console.core.db import UtcDateTime
from console.core.instants import unix_microseconds
from console.telemetry.measures import Measure
from console.telemetry.metric import Metric
from console.telemetry.scope import Scope
from console.telemetry.state_measures import StateRows

LONGEST = timedelta(hours=2)
"""No window is decided later: after an hour without a console, windows are skipped."""
EVALUATION = table(
    "evaluation",
    column("organization_id"),
    column("rule_id", Integer),
    column("at", UtcDateTime()),
    column("decided_at", UtcDateTime()),
    column("watermark", UtcDateTime()),
)
_evaluation = EVALUATION.c


def _decided(scope: Scope) -> ColumnElement[bool]:
    """What was decided in the scope, of all projects: one evaluator decides their rules in turn.

    Windows that late data brought afterwards have no watermark.
    """
    return and_(
        _evaluation.organization_id == scope.organization_id,
        _evaluation.at >= scope.since - LONGEST,  # the index has it
        _evaluation.at < scope.until,
        _evaluation.decided_at >= scope.since,
        _evaluation.decided_at < scope.until,
        _evaluation.watermark.is_not(None),
    )


_DECISIONS = StateRows(
    name="decisions of rules",
    within=_decided,
    at=_evaluation.decided_at,
    dimensions={"rule": cast(_evaluation.rule_id, String)},
    heeds=frozenset(),
)
_SECONDS = func.max(
    unix_microseconds(_evaluation.decided_at) - unix_microseconds(_evaluation.at)
) / literal_column("1000000.0")
LAG = Metric(
    id="rules.lag",
    title="Lag of the latest rule",
    unit="s",
    better="lower",
    format="number",
    empty="gap",
    measure=Measure(_DECISIONS, _SECONDS, func.count()),
)
METRICS = (LAG,)
