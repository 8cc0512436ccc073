"""What a rule watches and when it fires: the form and the API make it, versions keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from console.alerting import units
from console.alerting.condition import LEVELS, Condition, Gap

DEFAULT_WINDOW = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A metric with its filters, the window that is evaluated, and the condition of its number."""

    metric: str
    condition: Condition
    parameters: Mapping[str, float] = field(default_factory=dict)
    members: Sequence[str] = ()
    """The rules that fire together in a composite rule, as `composite.Member` writes them."""
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values that dimensions of the metric must have."""
    by: str | None = None
    """The dimension that has an incident for each of its values."""
    environment: str = ""
    release: str = ""
    window_seconds: int = DEFAULT_WINDOW
    base_seconds: int | None = None
    """How much earlier the period lies that the number is compared with; None: it is not."""

    def __post_init__(self) -> None:
        """Let reasons name numbers in the metric's unit."""
        own = units.in_units(self.condition, self.metric, is_composite=bool(self.members))
        object.__setattr__(self, "condition", own)

    @property
    def window(self) -> timedelta:
        """The time that one evaluation looks at."""
        return timedelta(seconds=self.window_seconds)

    @property
    def shift(self) -> timedelta | None:
        """How much earlier the period lies that the number is compared with."""
        return None if self.base_seconds is None else timedelta(seconds=self.base_seconds)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The value of a document that `document` has made, as versions keep it."""
        levels = {
            level: document["levels"][level] for level in LEVELS if level in document["levels"]
        }
        condition = Condition(
            op=document["op"],
            levels=levels,
            recovery=document["recovery"],
            pending_seconds=document["pending_seconds"],
            keep_firing_seconds=document["keep_firing_seconds"],
            breaches=document["breaches"]["n"],
            of=document["breaches"]["of"],
            interval_seconds=document["interval_seconds"],
            no_data=Gap(document["no_data"]),
            on_error=Gap(document["on_error"]),
            compare=document["compare"],
            floor=document["floor"],
            minimum_samples=document["minimum_samples"],
        )
        own = ("metric", "parameters", "where", "by", "environment", "release")
        times = ("window_seconds", "base_seconds")
        members = tuple(document.get("members", ()))
        named = {name: document[name] for name in (*own, *times)}
        return cls(condition=condition, members=members, **named)

    @property
    def document(self) -> dict[str, Any]:
        """All of it in JSON's types, in the words of the API."""
        condition = self.condition
        members = {"members": list(self.members)} if self.members else {}
        return members | {
            "metric": self.metric,
            "parameters": dict(self.parameters),
            "where": {name: list(values) for name, values in self.where.items()},
            "by": self.by,
            "environment": self.environment,
            "release": self.release,
            "window_seconds": self.window_seconds,
            "base_seconds": self.base_seconds,
            "op": condition.op,
            "levels": {level.value: condition.levels[level] for level in condition.ordered},
            "recovery": condition.recovery,
            "pending_seconds": condition.pending_seconds,
            "keep_firing_seconds": condition.keep_firing_seconds,
            "breaches": {"n": condition.breaches, "of": condition.of},
            "interval_seconds": condition.interval_seconds,
            "no_data": condition.no_data.value,
            "on_error": condition.on_error.value,
            "compare": condition.compare,
            "floor": condition.floor,
            "minimum_samples": condition.minimum_samples,
        }
