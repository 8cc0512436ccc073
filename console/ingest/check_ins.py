"""Check-ins on their way from digest to the checks that they are about."""

from collections.abc import Iterator, Sequence

from console.intake.ledger import IGNORED, STORED, Count
from console.uptime import taking_in
from console.uptime.check_in import CheckIn


def taken_in(check_ins: Sequence[CheckIn]) -> Iterator[Count]:
    """Add check-ins to the Session; counts how many were, and how many there was no room for."""
    for project_id in sorted({check_in.project_id for check_in in check_ins}):
        own = [check_in for check_in in check_ins if check_in.project_id == project_id]
        left_out, at = taking_in.keep(project_id, own), own[-1].received_at
        for outcome, reason, quantity in (
            (STORED, "", len(own) - left_out),
            (IGNORED, taking_in.SURPLUS, left_out),
        ):
            if quantity:
                yield Count(project_id, "check_in", outcome, reason, quantity, at)
