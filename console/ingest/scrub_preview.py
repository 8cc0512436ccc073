"""What a project's scrubbing rules would change in an example, place by place, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from console.ingest.pairs import blank_pairs
from console.ingest.scrub import Scrubber
from console.ingest.scrub_rules import ScrubRules, compiled
from console.ingest.sensitive import SHAPES, Verdict


class Replacement(NamedTuple):
    """One thing that the rules change in a sample."""

    path: str
    reason: str
    before: str
    after: str


def preview(rules: ScrubRules, sample: Any) -> list[Replacement]:
    """Each place of the sample that the rules change, with why."""
    work = Scrubber(rules)
    return list(_differences(work, sample, work.scrub(sample), "", None))


@dataclass
class _Named:
    """The name whose rule decides over what is below it."""

    name: str
    verdict: Verdict = field(default=Verdict.PLAIN)


def _differences(
    work: Scrubber, before: Any, after: Any, path: str, named: _Named | None
) -> Iterator[Replacement]:
    if isinstance(before, dict) and isinstance(after, dict) and len(before) == len(after):
        for name, (key, value) in zip(before, after.items(), strict=True):
            here = _Named(key, work.judge(name))
            if here.verdict is Verdict.VALUE:
                here = _Named(*work.naming(after))
            ruled = named if here.verdict is Verdict.PLAIN else here
            yield from _differences(work, before[name], value, f"{path}.{key}".strip("."), ruled)
    elif isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(work, old, new, f"{path}[{number}]", named)
    elif type(before) is not type(after) or before != after:
        yield Replacement(path, _reason(work, before, named), str(before)[:200], str(after)[:200])


def _reason(work: Scrubber, before: Any, named: _Named | None) -> str:
    if named and named.verdict in {Verdict.SECRET, Verdict.TEXT_SECRET, Verdict.COOKIES}:
        return f"the name {named.name!r} says that it is secret"
    if named and named.verdict in {Verdict.IP, Verdict.MAYBE_IP}:
        return "IP addresses are " + ("removed" if work.rules.ip == "remove" else "shortened")
    if isinstance(before, str):
        for shape in SHAPES:
            if shape.pattern.sub(shape.replacement, before) != before:
                return f"it looks like {shape.reason}"
        for pattern in work.rules.patterns:
            if compiled(pattern).search(before):
                return f"it matches the pattern {pattern}"
        if blank_pairs(before, work.judge) != before:
            return "a value in it stands beside a secret's name"
    return "it is no JSON that a database keeps: too long, too deep, or not a number"
