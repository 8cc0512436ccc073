"""What made a web vital, as pages show it: the phases of LCP and INP, elements, and their loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.performance.vitals.cards import Rated, rated, shown
from console.telemetry.vital_causes import PARTS, Cause
from console.telemetry.web_vitals import CLS, INP, LCP, WebVital
from console.web.filters import duration

ATTRIBUTED = frozenset(PARTS)
TITLES = {
    LCP.name: "What LCP waits for",
    INP.name: "What interactions wait for",
    CLS.name: "What shifts",
}
NAMES = {
    "lcp.ttfb": "Time to first byte",
    "lcp.load_delay": "Load delay",
    "lcp.load_duration": "Load duration",
    "lcp.render_delay": "Render delay",
    "inp.input_delay": "Input delay",
    "inp.processing": "Processing",
    "inp.presentation": "Presentation",
}


@dataclass(frozen=True, slots=True)
class VitalPhase:
    """One part of a metric: its median, and its share (0 to 1) of the sum of all parts."""

    name: str
    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Culprit:
    """An element that made a metric, and how, as far as is known."""

    target: str
    detail: str
    loads: int
    p75: Rated
    worst: Rated
    phases: Sequence[VitalPhase]
    shift: str
    """CLS: the element's largest shift."""
    shifted_at: str
    """CLS: when it shifted, since the page began to load."""


def phases(parts: Mapping[str, float | None]) -> list[VitalPhase]:
    """The parts in the order in which they pass; [] where none is known."""
    known = {name: parts.get(name) or 0.0 for name in NAMES if name in parts}
    total = sum(known.values())
    if not total:
        return []
    return [
        VitalPhase(NAMES[name], duration(value * 1000), value / total)
        for name, value in known.items()
    ]


def culprit(metric: WebVital, cause: Cause) -> Culprit:
    """A cause in words."""
    shift, at = cause.parts.get("cls.shift_value"), cause.parts.get("cls.shift_time")
    return Culprit(
        target=cause.target,
        detail=cause.detail,
        loads=cause.loads,
        p75=rated(metric, cause.p75),
        worst=rated(metric, cause.worst),
        phases=phases(cause.parts),
        shift=shown(metric, shift) if shift is not None else "",
        shifted_at=duration(at * 1000) if at is not None else "",
    )
