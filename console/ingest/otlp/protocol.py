"""OpenTelemetry's traces by HTTP, in either encoding (opentelemetry.io, "OTLP/HTTP")."""

import re
from collections.abc import Callable
from functools import partial

from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import Context, Decoded
from console.ingest.otlp import answers, encodings, setups, spans
from console.ingest.protocol import SPAN, Address, ItemHead, NotTaken, Protocol, Sent

# The addresses of OTLP, of PostHog, and of Sentry's clients, which derive it from a DSN.
_TRACES = re.compile(
    r"\A(?:/i)?/v1/traces/?|\A(?:/.*)?/api/(?P<project>\d{1,9})/(?:integration/)?otlp/v1/traces/?"
)
_OTHER_SIGNALS = re.compile(r"(?:/i|/api/[^/]*/(?:integration/)?otlp)?/v1/(?:logs|metrics)/?")
_GRPC = re.compile(r"/opentelemetry\.proto\..*", re.DOTALL)
_TRACES_ONLY = (
    "of OpenTelemetry only traces are taken: OTEL_LOGS_EXPORTER=none and"
    " OTEL_METRICS_EXPORTER=none keep clients from sending the rest"
)
_NO_GRPC = "OpenTelemetry's gRPC is not spoken here: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
_TYPES = {
    encodings.PROTOBUF: frozenset({"application/x-protobuf", "application/protobuf"}),
    encodings.JSON: frozenset({"application/json"}),
}


def survey(raw: bytes, *, kind: str) -> Sent:
    """How many spans a request has; the answer names invalid ones, and digest counts them."""
    counted = encodings.survey(raw, kind)
    heads = [ItemHead("span", len(raw), counted.spans)] if counted.spans else []
    return Sent(heads=heads, answer=answers.stored(counted.faults) if heads else {})


def _no_survey(_raw: bytes) -> Sent:
    raise Undecodable(UNKNOWN_TYPE.refuses)


def _no_decode(_raw: bytes, _context: Context) -> Decoded:
    raise Undecodable(UNKNOWN_TYPE.refuses)


def _spoken(
    name: str,
    survey: Callable[[bytes], Sent],
    decode: Callable[[bytes, Context], Decoded],
    *,
    refuses: str = "",
) -> Protocol:
    types = _TYPES.get(name, frozenset())
    not_taken = [NotTaken(Address(_OTHER_SIGNALS, types), _TRACES_ONLY)]
    if refuses:
        not_taken.append(NotTaken(Address(_GRPC), _NO_GRPC))
    return Protocol(
        name=name,
        whole="traces",
        addresses=(Address(_TRACES, types),),
        not_taken=not_taken,
        items=(SPAN,),
        bearer=True,
        # JSON takes up to 24 times its size in memory, and it must be read to be judged.
        small=1 << 20,
        raw_limit=SPAN.limit,
        refuses=refuses,
        survey=survey,
        encode=partial(answers.encoded, kind=name),
        decode=decode,
        setups=setups.SETUPS if name == encodings.PROTOBUF else (),
    )


def _of_encoding(name: str) -> Protocol:
    def decode(raw: bytes, context: Context) -> Decoded:
        return spans.decode(raw, name, context)

    return _spoken(name, partial(survey, kind=name), decode)


PROTOBUF = _of_encoding(encodings.PROTOBUF)
JSON = _of_encoding(encodings.JSON)
UNKNOWN_TYPE = _spoken(
    "otlp",
    _no_survey,
    _no_decode,
    refuses="the content type is not one of " + ", ".join(sorted(set().union(*_TYPES.values()))),
)
