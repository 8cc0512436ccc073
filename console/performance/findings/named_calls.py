"""Calls whose addresses differ in a name that looks like no id: `/repos/ada/tags`."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from console.performance.describe import statement_of
from console.performance.names import HTTP
from console.telemetry.spans import SpanRow

# What stands before the kinds of things that a service has, and not before the things of a kind.
_ROOT = re.compile(r"_?(?:api|rest|rpc|services?|svc|public|internal|private|ajax|ws|v\d[\w.-]*)")
_NAME = re.compile(r"[\w~-]+", re.IGNORECASE)
NAME, ID = "{name}", "{id}"

Place = tuple[tuple[str, ...], tuple[str, ...]]
"""What stands before the names in a statement, and what stands after them."""


def by_name(spans: Sequence[SpanRow], least: int) -> Mapping[str, Sequence[SpanRow]]:
    """Calls by statement with a name left out, where so many names or more stand at its place.

    A name may be a kind of things, of which a page rightly asks for each, so that it takes many.
    Two names that follow one another, as of an owner and a repository, are left out together.
    """
    names: dict[Place, dict[tuple[str, ...], list[SpanRow]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for span in spans:
        parts = statement_of(HTTP, span).split("/")
        is_absolute = not parts[0].endswith(" ")  # "GET host" stands before the path
        for place in range(1 if is_absolute else 2, len(parts)):
            for end in (place + 1, place + 2):
                if _is_named(parts, place, end):
                    around = tuple(parts[:place]), tuple(parts[end:])
                    names[around][tuple(parts[place:end])].append(span)
    return {
        "/".join((*before, *(NAME for _ in next(iter(named))), *after)): sorted(
            (span for own in named.values() for span in own),
            key=lambda span: (span.timestamp, span.span_id),
        )
        for (before, after), named in names.items()
        if all(len(set(own)) >= least for own in zip(*named, strict=True))
    }


def _is_named(parts: Sequence[str], place: int, end: int) -> bool:
    """Whether names of things stand there; what stands after an id is a part of that thing."""
    before = parts[place - 1]
    is_name = end <= len(parts) and all(map(_NAME.fullmatch, parts[place:end]))
    return is_name and before != ID and not _ROOT.fullmatch(before)
