"""Database engines whose errors quote no value of any row."""

import re
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.url import URL

# What makes SQLAlchemy leave the bound values out of its messages.
WITHOUT_VALUES = {"hide_parameters": True}
# PostgreSQL quotes a value after a colon (`…for type integer: "x"`), and a name elsewhere. DuckDB
# quotes both in the same way; what begins with a slash is the path of a file.
_QUOTED = {
    "postgresql": re.compile(r'(?<=: )"[^\n]*"'),
    "duckdb": re.compile(r"""(?<!\w)(?:"(?!/)[^\n]*"|'(?!/)[^\n]*')"""),
}
HIDDEN = "[value]"


def engine_of(url: str | URL, **options: Any) -> Engine:
    """Return an engine whose errors may be logged: they say what failed, without values."""
    engine = create_engine(url, **WITHOUT_VALUES, **options)
    keep_values_out(engine)
    return engine


def keep_values_out(engine: Engine) -> None:
    """Remove values from the driver's messages, in its own exception and in SQLAlchemy's."""
    event.listen(engine, "handle_error", _take_values_out)


def without_values(message: str, dialect: str) -> str:
    """The first line of a driver's message without the values that it quotes.

    The lines after it repeat the row (DETAIL: Failing row contains …) or the statement.
    """
    first, *_ = message.splitlines() or [""]
    quoted = _QUOTED.get(dialect)
    return quoted.sub(HIDDEN, first) if quoted else first


def _take_values_out(context: ExceptionContext) -> None:
    message = str(context.original_exception)
    clean = without_values(message, context.dialect.name)
    context.original_exception.args = (clean, *context.original_exception.args[1:])
    wrapper = context.sqlalchemy_exception
    if wrapper is not None and wrapper.args:
        wrapper.args = (str(wrapper.args[0]).replace(message, clean), *wrapper.args[1:])
