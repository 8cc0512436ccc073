"""Answers in the encoding of the request, as OTLP wants them (opentelemetry.io, "OTLP/HTTP")."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from console.ingest.otlp.encodings import PROTOBUF

# google/rpc/code.proto
_UNKNOWN = 2
_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 413: 8, 415: 3, 429: 8, 503: 14}


def stored(faults: Counter[str]) -> dict[str, Any]:
    """The content of a 200: how many spans were left out, and why."""
    if not faults:
        return {}
    message = "; ".join(f"{why} ({quantity:,})" for why, quantity in faults.items())
    return {"partialSuccess": {"rejectedSpans": str(faults.total()), "errorMessage": message}}


def encoded(status: int, content: Mapping[str, Any], kind: str) -> tuple[bytes, str]:
    """The body of an answer, and its content type: the response, or a google.rpc.Status."""
    if status == 200:
        partial = content.get("partialSuccess")
        if kind != PROTOBUF:
            return orjson.dumps(content), "application/json"
        response = ExportTraceServiceResponse()
        if partial:
            response.partial_success.rejected_spans = int(partial["rejectedSpans"])
            response.partial_success.error_message = partial["errorMessage"]
        return response.SerializeToString(), "application/x-protobuf"
    code, message = _CODES.get(status, _UNKNOWN), str(content["detail"])
    if kind != PROTOBUF:
        return orjson.dumps({"code": code, "message": message}), "application/json"
    # google.rpc.Status has the same two fields: an integer and a text.
    refusal = ExportTracePartialSuccess(rejected_spans=code, error_message=message)
    return refusal.SerializeToString(), "application/x-protobuf"
