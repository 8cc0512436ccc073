"""The steps of the editor's sliders: observed quantiles, and pending times in evaluations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil, floor, log10

from console.alerting.condition import Condition
from console.alerting.editor.curve import Curve, Tally

SHARES = (
    *(0.5 + 0.01 * number for number in range(50)),
    *(0.991 + 0.001 * number for number in range(9)),
)
"""P50 to P99.9; the highest number, and a step beyond it, come after them."""
BEYOND = 1.25
MULTIPLES = (0, 1, 2, 3, 5, 10, 15, 30, 60)
"""Pending times in evaluations."""
DIGITS = 3
WEEK = 7 * 86_400
MOST_OF_THE_TIME = 0.25


def thresholds(numbers: Sequence[float], op: str, own: Sequence[float]) -> list[float]:
    """Levels to choose from, in rising order: quantiles of what was seen, with the draft's own.

    `numbers` are in rising order. For `<` the quantiles are those on the low side.
    """
    rises = op in (">", ">=")
    steps = set(own)
    if numbers:
        last = len(numbers) - 1
        shares = SHARES if rises else [1 - share for share in SHARES]
        steps.update(tidy(numbers[round(share * last)]) for share in shares)
        extreme = numbers[-1] if rises else numbers[0]
        steps.add(tidy(extreme, up=rises))
        distance = abs(extreme) * (BEYOND - 1) or 1
        steps.add(tidy(extreme + distance if rises else extreme - distance))
    return sorted(steps)


def pendings(condition: Condition) -> list[float]:
    """Pending times to choose from, in rising order, with the draft's own."""
    interval = condition.interval_seconds
    return sorted({*(interval * times for times in MULTIPLES), condition.pending_seconds})


def tidy(number: float, *, up: bool | None = None) -> float:
    """The number with three significant digits; `up` or down, or to the nearest one."""
    if not number:
        return 0.0
    digits = DIGITS - 1 - floor(log10(abs(number)))
    if up is None:
        return round(number, digits)
    factor = 10.0**digits
    return round((ceil if up else floor)(number * factor) / factor, max(digits, 0))


def about_weekly(curve: Curve, seconds: float, pending: float) -> tuple[float, float]:
    """The level and pending time with about one incident a week in a history of so many seconds.

    The pending time stays as near to the draft's as it can. Of several levels that do equally well,
    it is the one in the middle, which is the least likely to be missed by chance.
    """
    wanted = max(1.0, seconds / WEEK)

    def distance(tally: Tally) -> tuple[bool, float]:
        # A rule that never fires, or nearly always, tells nothing.
        says_nothing = not tally.incidents or tally.seconds > seconds * MOST_OF_THE_TIME
        return says_nothing, abs(tally.incidents - wanted)

    nearest, _, after = min(
        (distance(tally), abs(after - pending), after)
        for after, row in zip(curve.pendings, curve.rows, strict=True)
        for tally in row
    )
    row = curve.rows[bisect_left(curve.pendings, after)]
    columns = zip(curve.levels, row, strict=True)
    levels = [level for level, tally in columns if distance(tally) == nearest]
    return levels[len(levels) // 2], after
