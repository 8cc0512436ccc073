"""Moments of the state database as whole numbers, which SQL can count in buckets of time."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class unix_microseconds(FunctionElement[int]):  # noqa: N801 - SQL functions are in lower case
    """`unix_microseconds(column)`: microseconds since 1970, exactly."""

    type = BigInteger()
    inherit_cache = True


@compiles(unix_microseconds, "sqlite")
def _on_sqlite(element: unix_microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    """SQLite keeps a moment as the text of UTC, with six digits behind the seconds."""
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    seconds = f"CAST(strftime('%s', {column}) AS INTEGER)"
    return f"({seconds} * 1000000 + CAST(substr({column}, 21, 6) AS INTEGER))"


@compiles(unix_microseconds, "postgresql")
def _on_postgresql(element: unix_microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(extract(epoch FROM {column}) * 1000000 AS BIGINT)"
