"""The two encodings of OTLP, and the survey of a request before it is accepted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from console.ingest.otlp import from_json, from_protobuf
from console.ingest.otlp.wire import Group, SpanHead, WireSpan
from console.ingest.span_rows import NotASpan

PROTOBUF, JSON = "otlp.protobuf", "otlp.json"


class Encoding(Protocol):
    """The functions that the module of each encoding has."""

    def groups(self, raw: bytes) -> Iterable[Group]:
        """The spans of a request by resource; raises Undecodable."""

    def checked(self, element: Any) -> Any:
        """One span, if it has ids and a start; raises NotASpan."""

    def headed(self, element: Any) -> SpanHead:
        """The ids and times of one span, and the rest unread; raises NotASpan."""

    def wired(self, head: SpanHead) -> WireSpan:
        """The rest of a span in the form that both encodings share."""


ENCODINGS: Mapping[str, Encoding] = {PROTOBUF: from_protobuf, JSON: from_json}


@dataclass(slots=True)
class Survey:
    """How many spans a request has, and why some of them are invalid."""

    spans: int = 0
    faults: Counter[str] = field(default_factory=Counter)


def survey(raw: bytes, kind: str) -> Survey:
    """Survey an inflated request without reading its attributes. Raises Undecodable."""
    encoding, surveyed = ENCODINGS[kind], Survey()
    for group in encoding.groups(raw):
        for _scope, element in group.spans:
            surveyed.spans += 1
            try:
                encoding.checked(element)
            except NotASpan as fault:
                surveyed.faults[str(fault)] += 1
    return surveyed
