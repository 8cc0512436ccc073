"""Gives spans their segment where the exporter did not name it, in whatever order they come.

OTLP sends a span when it ends, so child spans come before the request that they belong to, and
under load in another batch (with batches of 512 spans and ten requests at a time, in every third
trace).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, and_, bindparam, select, table, update

from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.records import Span
from console.telemetry.tables import span

NAMING = "sentry."  # Sentry's clients name the segment on every span, as far as they know it
BEFORE = timedelta(minutes=10)  # that a child may come after its segment began

_TRACE = (span.c.project_id, span.c.trace_id)
_SPAN = (*_TRACE, span.c.span_id)
_ADOPTED = (*_SPAN, span.c.segment_id, span.c.segment_name)
_Key = tuple[int, str, str]
_Segment = tuple[str, str]
_WITHIN = span.c.timestamp.between(bindparam("since"), bindparam("until"))


def _wanted(key: tuple[Column[Any], ...]) -> Select[Any]:
    """The spans whose `key` is registered as wanted, by a join: DuckDB is slow with long lists."""
    keys = select(*map(unpacked, key)).select_from(table("wanted")).subquery()
    mine = and_(*[column == keys.c[column.name] for column in key])
    return select(*_ADOPTED, span.c.parent_span_id).join_from(span, keys, mine).where(_WITHIN)


_LOOSE = _wanted(_TRACE).where(span.c.segment_id.is_(None))
_KNOWN = _wanted(_SPAN).where(span.c.segment_id.is_not(None))
_adopted = select(*map(unpacked, _ADOPTED)).select_from(table("adopted")).subquery("adopter")
_ADOPTION = (
    update(span)
    .values({name: _adopted.c[name] for name in ("segment_id", "segment_name")})
    .where(and_(*[column == _adopted.c[column.name] for column in _SPAN]), _WITHIN)
)


def adopt(connection: Connection, spans: Sequence[Span]) -> None:
    """Write the segment of each span that lacks one, if this batch made it known.

    It reads only traces of the batch, from shortly before its first span to the end of its last.
    A span stays without a segment while one of its ancestors is missing.
    """
    around = [
        record
        for record in spans
        if (record.is_segment or not record.segment_id) and not record.sdk.startswith(NAMING)
    ]
    if not around:
        return
    traces = sorted({(record.project_id, record.trace_id) for record in around})
    within = _window(around)
    _register(connection, "wanted", _TRACE, traces)
    loose = connection.execute(_LOOSE, within).all()
    parents = sorted({(*row[:2], row.parent_span_id) for row in loose if row.parent_span_id})
    if not parents:
        return
    _register(connection, "wanted", _SPAN, parents)
    adopters = _segments(loose, connection.execute(_KNOWN, within).all())
    if adopters:
        rows = [(*key, *segment) for key, segment in adopters.items()]
        _register(connection, "adopted", _ADOPTED, rows)
        connection.execute(_ADOPTION, within)


def _window(spans: Sequence[Span]) -> dict[str, datetime]:
    """From shortly before the first span to the end of the last."""
    ends = (record.timestamp + timedelta(microseconds=record.duration_us) for record in spans)
    return {"since": min(record.timestamp for record in spans) - BEFORE, "until": max(ends)}


def _segments(loose: Sequence[Row[Any]], known: Sequence[Row[Any]]) -> Mapping[_Key, _Segment]:
    """The segment of each loose span; its ancestors may be loose spans themselves."""
    segments: dict[_Key, _Segment] = {
        _key(row): (row.segment_id, row.segment_name) for row in known
    }
    parents = {_key(row): (row.project_id, row.trace_id, row.parent_span_id or "") for row in loose}
    resolved: dict[_Key, _Segment | None] = {}  # None: the ancestors lead nowhere
    for start, parent in parents.items():
        path, at = {start}, parent
        while at in parents and at not in path and at not in resolved:
            path.add(at)
            at = parents[at]
        resolved.update(dict.fromkeys(path, resolved.get(at) or segments.get(at)))
    return {key: segment for key, segment in resolved.items() if segment}


def _key(row: Row[Any]) -> _Key:
    return row.project_id, row.trace_id, row.span_id


def _register(
    connection: Connection,
    name: str,
    columns: Sequence[Column[Any]],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    register(connection, name, ArrowBatch(columns, list(zip(*rows, strict=True))))
