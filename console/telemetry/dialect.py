"""What differs between analytical engines: column types, and a few constructs in DuckDB's SQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Boolean, ColumnElement, Dialect, Integer, String, TryCast, cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine, UserDefinedType

from console.telemetry.web_vitals import FINE, NOTHING, ZERO

T = TypeVar("T")
Processor = Callable[[Any], Any]


class Hex128(UserDefinedType[str]):
    """32 hex digits in Python, 16 bytes on disk; "" is NULL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "UUID"

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        return lambda text: UUID(text) if text else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        return lambda number: number.hex if number is not None else ""


class Hex64(UserDefinedType[str]):
    """16 hex digits in Python, 8 bytes on disk; "" is NULL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "UBIGINT"

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        return lambda text: int(text, 16) if text else None

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """Cast the parameter: beside a larger integer type, no segment would be skipped."""
        return cast(bindvalue, self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        return lambda number: f"{number:016x}" if number is not None else ""


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware UTC datetime in Python, microseconds since 1970 on disk."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value is not None else None


class JsonText(TypeDecorator[dict[str, Any]]):
    """A flat JSON object as text: DuckDB reads only the texts of matching rows, but all of a MAP.

    Over 10 M rows, the tags of one issue took 23 ms from text and 316 ms from a MAP.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any]:  # noqa: ARG002
        return orjson.loads(value) if value else {}


class ListOf(UserDefinedType[list[Any]]):
    """Many values of another type in one row; `func.unnest` makes them rows."""

    cache_ok = True

    def __init__(self, item: type[TypeEngine[Any]]) -> None:
        """`item` is the type of each value."""
        self.item = item

    def get_col_spec(self, **_: Any) -> str:
        return f"{self.item().compile()}[]"

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """Cast the parameter: the engine would take an empty list for one of integers."""
        return cast(bindvalue, self)

    def bind_processor(self, dialect: Dialect) -> Processor:
        pack: Processor | None = self.item().bind_processor(dialect)
        return lambda values: list(map(pack, values)) if pack else values


class bucket(FunctionElement[int]):  # noqa: N801 - SQL functions are written in lower case
    """`bucket(column, start, seconds)`: the number of the time bucket, 0 for the one at `start`."""

    type = Integer()
    inherit_cache = True


class json_entries(FunctionElement[Any]):  # noqa: N801
    """`json_entries(column, name, text, …)`: a (key, value) struct per key of a flat JSON object.

    Further names and texts are entries as well.
    """

    inherit_cache = True


class struct_field(FunctionElement[str]):  # noqa: N801
    """`struct_field(struct, name)`: a text field of a struct."""

    type = String()
    inherit_cache = True


class pair(FunctionElement[Any]):  # noqa: N801
    """`pair(first, second)`: two values compared as one, by the first and then by the second."""

    inherit_cache = True


class quantiles(FunctionElement[list[float]]):  # noqa: N801
    """`quantiles(column, 0.5, 0.95)`: the values at these shares, between rows interpolated."""

    inherit_cache = True


class nearest_rank(FunctionElement[Any]):  # noqa: N801
    """`nearest_rank(column, 0.75)`: the value that this share of the rows stays within."""

    inherit_cache = True


class log_bucket(FunctionElement[int]):  # noqa: N801
    """`log_bucket(column, steps)`: floor(steps * log10(value)); values below 1 count as 1."""

    type = Integer()
    inherit_cache = True


class json_text(FunctionElement[str]):  # noqa: N801
    """`json_text(column, json_path(name))`: the text under a key of a flat JSON object, or NULL."""

    type = String()
    inherit_cache = True


class matches(FunctionElement[bool]):  # noqa: N801
    """`matches(column, expression)`: whether a regular expression has a match in a text."""

    type = Boolean()
    inherit_cache = True


class may_hold(FunctionElement[bool]):  # noqa: N801
    """`may_hold(column, text)`: whether a lower-case ASCII text stands in a text in any case.

    True for every text with a letter outside ASCII: only an expression can tell. It costs a
    quarter of one, so that few rows are left for it.
    """

    type = Boolean()
    inherit_cache = True


class sampled(FunctionElement[bool]):  # noqa: N801
    """`sampled(column, divisor)`: whether an id is in a fixed sample of one in `divisor`."""

    type = Boolean()
    inherit_cache = True


class remainder(FunctionElement[int]):  # noqa: N801
    """`remainder(column, divisor)`: which of `divisor` parts an unsigned number belongs to."""

    type = Integer()
    inherit_cache = True


class row_number_in_file(FunctionElement[int]):  # noqa: N801
    """`row_number_in_file(column)`: the number of the stored row, for any column of its table."""

    type = BigInteger()
    inherit_cache = True


class hour_bit(FunctionElement[int]):  # noqa: N801
    """`hour_bit(column)`: a number with one bit set, the one of a moment's hour in UTC."""

    type = Integer()
    inherit_cache = True


class vital_bucket(FunctionElement[int]):  # noqa: N801
    """`vital_bucket(column, good, fine_ratio)`: the finer bucket that a page load keeps."""

    type = Integer()
    inherit_cache = True


def json_path(name: str) -> str:
    """The path of a key, whatever characters its name has: a JSON Pointer, RFC 6901.

    In DuckDB's other notation "*" is every key, in quotes too, and an empty key is no path.
    """
    return "/" + name.replace("~", "~0").replace("/", "~1")


@compiles(TryCast, "duckdb")
def _try_cast(element: TryCast[Any], compiler: SQLCompiler, **kw: Any) -> str:
    clause, target = (compiler.process(part, **kw) for part in (element.clause, element.typeclause))
    return f"TRY_CAST({clause} AS {target})"


@compiles(quantiles, "duckdb")
def _quantiles(element: quantiles, compiler: SQLCompiler, **kw: Any) -> str:
    column, *shares = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"quantile_cont({column}, [{', '.join(shares)}])"


@compiles(nearest_rank, "duckdb")
def _nearest_rank(element: nearest_rank, compiler: SQLCompiler, **kw: Any) -> str:
    column, share = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"quantile_disc({column}, {share})"


@compiles(log_bucket, "duckdb")
def _log_bucket(element: log_bucket, compiler: SQLCompiler, **kw: Any) -> str:
    column, steps = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(floor({steps} * log10(greatest({column}, 1))) AS INTEGER)"


@compiles(matches, "duckdb")
def _matches(element: matches, compiler: SQLCompiler, **kw: Any) -> str:
    column, expression = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"regexp_matches({column}, {expression})"


@compiles(may_hold, "duckdb")
def _may_hold(element: may_hold, compiler: SQLCompiler, **kw: Any) -> str:
    column, text = (compiler.process(clause, **kw) for clause in element.clauses)
    # `strlen` counts bytes, `length` letters.
    return f"(contains(lower({column}), {text}) OR strlen({column}) <> length({column}))"


@compiles(sampled, "duckdb")
def _sampled(element: sampled, compiler: SQLCompiler, **kw: Any) -> str:
    column, divisor = (compiler.process(clause, **kw) for clause in element.clauses)
    # The constant has the column's type: with a signed one, HUGEINT arithmetic took 1.5 µs a row.
    return f"{column} % CAST({divisor} AS UBIGINT) = 0"


@compiles(remainder, "duckdb")
def _remainder(element: remainder, compiler: SQLCompiler, **kw: Any) -> str:
    column, divisor = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} % CAST({divisor} AS UBIGINT))"


@compiles(row_number_in_file, "duckdb")
def _row_number_in_file(element: row_number_in_file, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    table, _, _ = column.rpartition(".")
    return f"CAST({table}.rowid AS UBIGINT)"


@compiles(json_text, "duckdb")
def _json_text(element: json_text, compiler: SQLCompiler, **kw: Any) -> str:
    column, path = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"json_extract_string({column}, {path})"


@compiles(hour_bit, "duckdb")
def _hour_bit(element: hour_bit, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(1 << CAST(hour({compiler.process(element.clauses, **kw)}) AS INTEGER))"


@compiles(vital_bucket, "duckdb")
def _vital_bucket(element: vital_bucket, compiler: SQLCompiler, **kw: Any) -> str:
    column, good, ratio = (compiler.process(clause, **kw) for clause in element.clauses)
    # One logarithm per value and nothing else: with a division and limits it took twice the time.
    steps = f"ceil((ln({column}) - ln({good})) / {ratio} - 1e-6)"
    return f"CAST(CASE WHEN {column} <= {NOTHING} THEN {ZERO * FINE} ELSE {steps} END AS SMALLINT)"


@compiles(bucket, "duckdb")
def _bucket(element: bucket, compiler: SQLCompiler, **kw: Any) -> str:
    column, start, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    span = f"(epoch_us({column}) - epoch_us({start}))"
    return f"CAST({span} // 1000000 // {seconds} AS INTEGER)"


@compiles(pair, "duckdb")
def _pair(element: pair, compiler: SQLCompiler, **kw: Any) -> str:
    return f"row({compiler.process(element.clauses, **kw)})"


@compiles(json_entries, "duckdb")
def _json_entries(element: json_entries, compiler: SQLCompiler, **kw: Any) -> str:
    column, *more = (compiler.process(clause, **kw) for clause in element.clauses)
    entries = f"""map_entries(from_json({column}, '"MAP(VARCHAR,VARCHAR)"'))"""
    pairs = zip(more[::2], more[1::2], strict=True)
    added = ", ".join(f"struct_pack(key := {name}, value := {text})" for name, text in pairs)
    return f"unnest(list_concat({entries}, [{added}]))" if added else f"unnest({entries})"


@compiles(struct_field, "duckdb")
def _struct_field(element: struct_field, compiler: SQLCompiler, **kw: Any) -> str:
    struct, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"struct_extract({struct}, {name})"
