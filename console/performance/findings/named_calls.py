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
NAME = "{name}"

Place = tuple[tuple[str, ...], tuple[str, ...]]
"""What stands before a name in a statement, and what stands after it."""


def by_name(spans: Sequence[SpanRow], least: int) -> Mapping[str, Sequence[SpanRow]]:
    """Calls by statement with a name left out, where so many names or more stand at its place.

    A name may be a kind of things, of which a page rightly asks for each, so that it takes many.
    """
    names: dict[Place, dict[str, list[SpanRow]]] = defaultdict(lambda: defaultdict(list))
    for span in spans:
        parts = statement_of(HTTP, span).split("/")
        is_absolute = not parts[0].endswith(" ")  # "GET host" stands before the path
        for place in range(1 if is_absolute else 2, len(parts)):
            if _NAME.fullmatch(parts[place]) and not _ROOT.fullmatch(parts[place - 1]):
                around = tuple(parts[:place]), tuple(parts[place + 1 :])
                names[around][parts[place]].append(span)
    return {
        "/".join((*before, NAME, *after)): sorted(
            (span for own in named.values() for span in own),
            key=lambda span: (span.timestamp, span.span_id),
        )
        for (before, after), named in names.items()
        if len(named) >= least
    }
