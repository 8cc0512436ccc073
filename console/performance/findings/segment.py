"""The spans of one request, task or page as detectors see them."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from console.performance.names import SEGMENTS
from console.telemetry.spans import SpanRow


@dataclass(frozen=True, slots=True)
class Segment:
    """A request, task or page with everything below it, whatever order it was stored in."""

    root: SpanRow
    spans: Sequence[SpanRow]
    """All but the root, by start."""
    by_id: Mapping[str, SpanRow]

    def ancestors(self, span: SpanRow) -> Iterator[SpanRow]:
        """The parent, its parent and so on up to the root, also where a parent is missing."""
        seen = {span.span_id, self.root.span_id}
        parent_id = span.parent_span_id
        while parent_id not in seen and parent_id in self.by_id:
            seen.add(parent_id)
            yield self.by_id[parent_id]
            parent_id = self.by_id[parent_id].parent_span_id
        yield self.root

    def op_above(self, span: SpanRow) -> str:
        """The operation of the parent span; "" where that is the segment, or missing."""
        parent = self.by_id.get(span.parent_span_id, self.root)
        return parent.op if parent is not self.root else ""

    def common_ancestor(self, spans: Sequence[SpanRow]) -> SpanRow:
        """The closest common parent span of these spans; wrappers of single spans are skipped."""
        path = list(self.ancestors(spans[0]))
        meets = {span.span_id: height for height, span in enumerate(path)}
        highest = 0
        for descendant in spans[1:]:
            walked, height = [], len(path) - 1
            for above in self.ancestors(descendant):
                if above.span_id in meets:  # each span is walked over once, however deep they are
                    height = meets[above.span_id]
                    break
                walked.append(above.span_id)
            meets |= dict.fromkeys(walked, height)
            highest = max(highest, height)
        return path[highest]

    def below(self, categories: Container[str]) -> set[str]:
        """The ids of all spans that have an ancestor of these categories."""
        is_below = {self.root.span_id: False}
        for span in self.spans:
            walked = [span]
            seen = {span.span_id}
            while walked[-1].span_id not in is_below:
                parent = self.by_id.get(walked[-1].parent_span_id, self.root)
                if parent.span_id in seen:
                    parent = self.root
                seen.add(parent.span_id)
                walked.append(parent)
            for child, parent in reversed(list(pairwise(walked))):
                is_below[child.span_id] = is_below[parent.span_id] or parent.category in categories
        return {span_id for span_id, holds in is_below.items() if holds}

    def children(self) -> dict[str, list[SpanRow]]:
        """The spans directly below each, by its id and by start."""
        children: dict[str, list[SpanRow]] = {}
        for span in self.spans:
            parent = next(self.ancestors(span))
            children.setdefault(parent.span_id, []).append(span)
        return children


def segment_of(rows: Sequence[SpanRow]) -> Segment | None:
    """The segment of these rows; None while the span of the segment itself is missing.

    Duplicate rows count once. Here, only requests, tasks and pages are segments.
    """
    by_id: dict[str, SpanRow] = {}
    for row in rows:
        by_id.setdefault(row.span_id, row)
    root = next((r for r in by_id.values() if r.is_segment and r.category in SEGMENTS), None)
    if root is None or not root.endpoint:
        return None
    spans = sorted(
        (span for span in by_id.values() if span is not root),
        key=lambda span: (span.timestamp, span.span_id),
    )
    return Segment(root, spans, by_id)


def ended(span: SpanRow) -> datetime:
    """When a span was over."""
    return span.timestamp + timedelta(microseconds=max(span.duration_us, 0))
