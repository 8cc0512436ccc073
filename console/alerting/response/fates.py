"""What became of an incident, as far as people are concerned, and what it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.metrics.response_times import PAGERDUTY, Response

FATES: Mapping[str, tuple[str, Callable[[Response], bool]]] = {
    "answered": ("Answered by a person", lambda response: response.answered_at is not None),
    "self-healed": ("Healed by themselves", lambda response: response.is_self_healed),
    "script": ("Closed by a script", lambda response: response.is_closed_by_script),
    "unanswered": ("Open without an answer", lambda response: response.is_unanswered),
}
"""Every incident has exactly one: its words, and whether an incident has it."""


def fate_of(response: Response) -> str:
    """The name of what became of it."""
    return next(name for name, (_, has) in FATES.items() if has(response))


NONE = "-"
"""Stands for no rule and for no policy in addresses, where nothing stands for any."""


def rule_key(response: Response) -> str:
    """The rule that an incident is of, as an address names it."""
    return str(response.rule_id or NONE)


def member_key(response: Response) -> str | None:
    """Who answered it, as an address names them; None where that is not known."""
    if response.is_answered_in_pagerduty:
        return PAGERDUTY
    return None if response.answered_by_id is None else str(response.answered_by_id)


def policy_key(response: Response) -> str:
    """The policy by which people were notified of it, as an address names it."""
    return response.policy or NONE
