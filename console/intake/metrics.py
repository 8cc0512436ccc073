"""The numbers of the intake: what became of everything that was sent, and how late it came."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func

from console.intake import ledger
from console.intake.models import Outcome
from console.telemetry import error_measures, span_measures
from console.telemetry.measures import Measure
from console.telemetry.metric import Better, Metric
from console.telemetry.scope import Scope
from console.telemetry.state_measures import StateRows

HOUR = timedelta(hours=1)
FEW = 20


def _lines(scope: Scope) -> ColumnElement[bool]:
    """The lines of the hours that touch the scope: the ledger knows no shorter time."""
    first = scope.since.replace(minute=0, second=0, microsecond=0)
    return and_(
        Outcome.organization_id == scope.organization_id,
        Outcome.project_id == scope.project_id,
        Outcome.hour >= first,
        Outcome.hour < scope.until,
    )


_LEDGER = StateRows(
    name="the ledger",
    within=_lines,
    at=Outcome.hour,
    dimensions={"item_type": Outcome.item_type, "reason": Outcome.reason},
    heeds=frozenset(),
    weight=func.sum(Outcome.quantity),
)


def _items(outcome: str, title: str, noun: str, better: Better) -> Metric:
    """How many items met a fate."""
    quantity = func.coalesce(func.sum(Outcome.quantity).filter(Outcome.outcome == outcome), 0)
    return Metric(
        id=f"intake.{outcome}",
        title=title,
        unit="items",
        noun=noun,
        better=better,
        format="number",
        empty="zero",
        measure=Measure(_LEDGER, quantity, quantity),
    )


def _lag(kind: str, measure: Measure) -> Metric:
    """P99 of the time between the end of what was recorded and its arrival."""
    return Metric(
        id=f"intake.{kind.replace(' ', '_')}_lag",
        title=f"Arrival lag of {kind}, P99",
        unit="ms",
        better="lower",
        format="milliseconds",
        least=FEW,
        empty="gap",
        measure=measure,
    )


FATES = {
    ledger.STORED: _items(ledger.STORED, "Stored", "stored item", "neither"),
    ledger.DUPLICATE: _items(ledger.DUPLICATE, "Sent twice", "item sent twice", "neither"),
    ledger.IGNORED: _items(ledger.IGNORED, "Ignored", "ignored item", "neither"),
    ledger.REFUSED: _items(ledger.REFUSED, "Refused", "refused item", "lower"),
    ledger.INVALID: _items(ledger.INVALID, "Invalid", "invalid item", "lower"),
    ledger.LOST_BY_CLIENT: _items(
        ledger.LOST_BY_CLIENT, "Lost by clients", "item lost by a client", "lower"
    ),
}
METRICS = (
    *FATES.values(),
    _lag("error events", error_measures.arrival_lag(0.99)),
    _lag("spans", span_measures.arrival_lag(0.99)),
)
