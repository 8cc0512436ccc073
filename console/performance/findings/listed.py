"""Calls whose addresses go on from a list that was fetched before: `/beans`, `/beans/7/batches`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from console.performance.findings.addresses import path_of
from console.performance.findings.segment import ended
from console.telemetry.spans import SpanRow


def listed_by(spans: Sequence[SpanRow]) -> Mapping[str, datetime]:
    """When the answer of each address that was read first came, by its path."""
    lists: dict[str, datetime] = {}
    for span in spans:
        if span.http_method == "GET":
            path = path_of(span).removesuffix(".json").rstrip("/")
            lists.setdefault(path, ended(span))
    return lists


def follow_list(spans: Sequence[SpanRow], lists: Mapping[str, datetime]) -> bool:
    """Whether calls, by start, each go on from one list whose answer came before them all."""
    split = [path_of(span).split("/") for span in spans]
    same = 0
    for parts in zip(*split, strict=False):
        if len(set(parts)) > 1:
            break
        same += 1
    answered = lists.get("/".join(split[0][:same]))
    return answered is not None and answered <= spans[0].timestamp
