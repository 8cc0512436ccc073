"""Two versions of a rule beside each other: what changed, and what each would have done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.alerting.editor.preview import RANGE_LABELS
from console.alerting.models import RuleVersion
from console.core import clock
from console.web.clocks import zoned
from console.web.filters import duration, plural

UNSET, DAY = "–", 86_400


@dataclass(frozen=True, slots=True)
class Difference:
    """A member of a rule that two versions do not agree on."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an earlier version and a later one say, and what they would have done."""

    earlier: RuleVersion
    later: RuleVersion

    @property
    def differences(self) -> Sequence[Difference]:
        """The members that differ, by name."""
        return _differences(dict(_flat(self.earlier.document)), dict(_flat(self.later.document)))

    @property
    def figures(self) -> Sequence[Difference]:
        """The figures of both back-tests; a version that was not tried out has none."""
        before, after = (dict(_figures(version.backtest)) for version in (self.earlier, self.later))
        names = before or after
        return [
            Difference(name, str(before.get(name, UNSET)), str(after.get(name, UNSET)))
            for name in names
        ]


def in_short(version: RuleVersion) -> str:
    """What the back-test of a version said; "" for one that was not tried out."""
    kept = version.backtest
    if not kept:
        return ""
    incidents = kept["incidents"]
    about = "" if _is_exact(kept) else "about "
    night = f", {kept['at_night']} at night" if kept["at_night"] else ""
    longest = f", longest {_long(kept['longest_seconds'])}" if incidents else ""
    opened = plural(incidents, "incident") if incidents else "no incident"
    return f"{about}{opened} in {_range(kept)}{_known(kept)}{night}{longest}"


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    names = sorted(before.keys() | after.keys())
    return [
        Difference(name, before.get(name, UNSET), after.get(name, UNSET))
        for name in names
        if before.get(name, UNSET) != after.get(name, UNSET)
    ]


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, ", ".join(map(str, value)) or UNSET
        elif value not in (None, ""):
            yield prefix + name, f"{value:.12g}" if isinstance(value, float) else str(value)


def _figures(kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not kept:
        return
    yield "Replayed over", f"{_range(kept)}, {_long(kept['history_days'] * DAY)} of them with data"
    yield "Until", zoned(clock.instant(kept["until"]), "%Y-%m-%d %H:%M")
    yield "Incidents", f"{'' if _is_exact(kept) else 'about '}{kept['incidents']}"
    yield "At night", str(kept["at_night"])
    yield "Critical", str(kept["critical"])
    yield "Longest", _long(kept["longest_seconds"])
    yield "In all", _long(kept["firing_seconds"])


def _range(kept: Mapping[str, Any]) -> str:
    name = str(kept["range"])
    return RANGE_LABELS.get(name, name)


def _known(kept: Mapping[str, Any]) -> str:
    """How much of the range had a history, where that is not nearly all of it."""
    days = kept["history_days"]
    range_ = (clock.instant(kept["until"]) - clock.instant(kept["since"])).total_seconds() / DAY
    if days >= 0.9 * range_:
        return ""
    return f" ({_long(days * DAY)} of them with data)" if days else " without data"


def _is_exact(kept: Mapping[str, Any]) -> bool:
    """Whether the back-test decided all windows of all values."""
    return kept.get("stands_for", 1) == 1 and not kept.get("values_left_out")


def _long(seconds: float) -> str:
    return duration(seconds * 1e6) if seconds else "0 s"
