"""What a project asks of the scrubber."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import re2

IpPolicy: TypeAlias = Literal["keep", "truncate", "remove"]

PATTERN_LENGTH = 300
PATTERN_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class ScrubRules:
    """What to blank: the defaults, plus what a project adds.

    `names` are fields whose value is secret, also as a part of a field's name, `patterns`
    are regular expressions (RE2) of texts to blank, `safe` are fields that nothing is blanked in.
    """

    enabled: bool = True
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    ip: IpPolicy = "truncate"


def rules_of(monitoring: Any) -> ScrubRules:
    """The rules in a project's MonitoringConfig, or in a row with its columns."""
    return ScrubRules(
        enabled=monitoring.scrub_defaults,
        names=tuple(monitoring.scrub_keys),
        patterns=tuple(monitoring.scrub_patterns),
        safe=tuple(monitoring.scrub_safe_keys),
        ip=monitoring.ip_policy.value,
    )


def pattern_problem(pattern: str) -> str:
    """What is wrong with a project's own pattern, in a sentence for its author; "" if nothing.

    RE2 finds in time linear to the text and knows no back references, so no pattern can stall it.
    """
    if len(pattern) > PATTERN_LENGTH:
        return f"A pattern has at most {PATTERN_LENGTH} characters."
    try:
        matcher = compiled(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        return f"This is no RE2 pattern: {text}."
    if matcher.search("") is not None:
        return "This pattern matches an empty text, so it would blank everything."
    return ""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """A project's pattern for RE2, within its limit of memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    return re2.compile(pattern, options)
