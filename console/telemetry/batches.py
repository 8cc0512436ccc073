"""Records as Arrow arrays, which DuckDB reads in place: a batch never passes through SQL text.

Measured with 500 spans of 29 columns: nanoarrow takes 14 µs a row and 7 MB of memory; pyarrow is
as quick but takes 60 MB; JSON through `from_json` takes 20 µs, lists as parameters 1,600 µs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from typing import cast as cast_to

import nanoarrow
import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    Float,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    cast,
    column,
    func,
)
from sqlalchemy.types import TypeEngine

from console.telemetry.dialect import Hex64, Hex128, JsonText, UtcTimestamp
from console.telemetry.driver import DuckDBConnection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Carrier:
    """How values of a column type reach DuckDB: their Arrow type, and the conversions both ways."""

    arrow: Any
    pack: Callable[[Any], Any] | None = None
    unpack: Callable[[ColumnElement[Any]], ColumnElement[Any]] | None = None


def _hex64(text: str) -> int | None:
    return int(text, 16) if text else None


def _hex128(text: str) -> str | None:
    return text or None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode() if value else "{}"


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


CARRIERS: dict[type[TypeEngine[Any]], Carrier] = {
    Integer: Carrier(nanoarrow.int32()),
    SmallInteger: Carrier(nanoarrow.int16()),
    BigInteger: Carrier(nanoarrow.int64()),
    Float: Carrier(nanoarrow.float64()),
    Double: Carrier(nanoarrow.float64()),
    Boolean: Carrier(nanoarrow.bool_()),
    String: Carrier(nanoarrow.string()),
    LargeBinary: Carrier(nanoarrow.binary()),
    JsonText: Carrier(nanoarrow.string(), _json),
    Hex64: Carrier(nanoarrow.uint64(), _hex64),
    Hex128: Carrier(nanoarrow.string(), _hex128, lambda text: cast(text, Hex128)),
    UtcTimestamp: Carrier(nanoarrow.int64(), _microseconds, func.make_timestamp),
}


class ArrowBatch:
    """Columns of equal length that DuckDB can register as a view and scan as often as it likes."""

    def __init__(self, columns: Sequence[Column[Any]], values: Iterable[Sequence[Any]]) -> None:
        """`values` holds one sequence per column, as the records have them."""
        arrays = [
            _array(column, column_values)
            for column, column_values in zip(columns, values, strict=True)
        ]
        self._schema = nanoarrow.struct({c.name: _carrier(c).arrow for c in columns})
        length = len(arrays[0])
        self._array = nanoarrow.c_array_from_buffers(self._schema, length, [None], children=arrays)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export per the Arrow PyCapsule interface; each call starts a stream of its own."""
        return nanoarrow.c_array_stream(self._array).__arrow_c_stream__(requested_schema)


def register(connection: Connection, name: str, batch: ArrowBatch) -> None:
    """Let statements on this connection read the batch as a table of this name."""
    driver = cast_to("DuckDBConnection", connection.connection.driver_connection)
    driver.native.register(name, batch)


def unpacked(target: Column[Any]) -> ColumnElement[Any]:
    """The column of a registered batch, as the type that it has in the table."""
    source: ColumnElement[Any] = column(target.name)
    unpack = _carrier(target).unpack
    return unpack(source).label(target.name) if unpack else source


def _array(target: Column[Any], values: Sequence[Any]) -> Any:
    carrier = _carrier(target)
    packed = [carrier.pack(value) for value in values] if carrier.pack else values
    return nanoarrow.c_array(packed, carrier.arrow)


def _carrier(target: Column[Any]) -> Carrier:
    return CARRIERS[type(target.type)]
