"""The fields that the console's reports about itself may contain, and no others.

The console's requests, queries and exceptions are full of other organizations' addresses, names and
tokens. A list of allowed fields keeps out fields that nobody thought of.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import has_request_context

from console.core.engines import without_values
from console.integrations.report_limit import LEFT_OUT
from console.web.errors import request_id

Fields = dict[str, Any]

_EVENT = (
    *("event_id", "timestamp", "start_timestamp", "type", "platform", "level", "logger"),
    *("release", "environment", "server_name", "sdk", "transaction_info", "measurements"),
)
_TRACE = ("trace_id", "span_id", "parent_span_id", "op", "status", "origin")
_SPAN = (*_TRACE, "start_timestamp", "timestamp", "same_process_as_parent")
_SPAN_DATA = (
    *("db.system", "db.operation", "http.request.method", "http.response.status_code"),
    *("code.filepath", "code.file.path", "code.function", "code.function.name"),
    *("code.lineno", "code.line.number", "code.namespace"),
)
_FRAME = (
    *("filename", "abs_path", "function", "module", "lineno", "in_app", "platform"),
    *("pre_context", "context_line", "post_context"),
)
_MECHANISM = ("type", "handled", "exception_id", "parent_id", "is_exception_group")
# Their messages are made by the interpreter of names in the program.
_BY_INTERPRETER = frozenset(
    {
        *("AttributeError", "ImportError", "MemoryError", "ModuleNotFoundError", "NameError"),
        *("NotImplementedError", "RecursionError", "StopIteration", "TypeError"),
        *("UnboundLocalError", "ZeroDivisionError"),
    }
)
# Databases' messages quote no values: console.core.engines. The spool's SQLite quotes none anyway.
_DATABASES = {
    "sqlalchemy.exc": "",
    "sqlite3": "sqlite",
    "psycopg": "postgresql",
    "duckdb": "duckdb",
}
_QUOTED = re.compile(r"'[^'\n]{0,1000}'|\"[^\"\n]{0,1000}\"")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
OWN = "console"


class AllowList:
    """Reduces events and transactions to their allowed fields; `routes` are URL templates."""

    def __init__(self, routes: Collection[str]) -> None:
        """A transaction is named by one of `routes`, or not at all."""
        self._routes = frozenset(routes)

    def event(self, event: Mapping[str, Any]) -> Fields:
        """What may be stored of an error event."""
        kept = self._kept(event)
        if "logentry" in event:
            kept["logentry"] = {"message": _template(event["logentry"], event.get("logger", ""))}
        for raised in ("exception", "threads"):
            if raised in event:
                kept[raised] = {
                    "values": [_raised(exception) for exception in _values(event[raised])]
                }
        kept["breadcrumbs"] = {"values": list(_queries(_values(event.get("breadcrumbs"))))}
        left_out = _mapping(event.get("extra")).get(LEFT_OUT)
        if isinstance(left_out, int):
            kept["extra"] = {LEFT_OUT: left_out}
        if has_request_context():
            kept["tags"] = {"request_id": request_id()}
        return kept

    def transaction(self, event: Mapping[str, Any]) -> Fields:
        """What may be stored of a transaction with its spans."""
        return self._kept(event) | {"spans": [_span(span) for span in event.get("spans") or ()]}

    def _kept(self, event: Mapping[str, Any]) -> Fields:
        kept = _picked(event, _EVENT)
        if event.get("transaction") in self._routes:
            kept["transaction"] = event["transaction"]
        method = _mapping(event.get("request")).get("method")
        if method:
            kept["request"] = {"method": method}
        contexts = _mapping(event.get("contexts"))
        trace = _mapping(contexts.get("trace"))
        kept["contexts"] = {
            "trace": _picked(trace, _TRACE)
            | {"data": _picked(_mapping(trace.get("data")), _SPAN_DATA)},
            "runtime": _mapping(contexts.get("runtime")),
            "response": _picked(contexts.get("response"), ("status_code",)),
        }
        return kept


def _span(span: Mapping[str, Any]) -> Fields:
    kept = _picked(span, _SPAN) | {"data": _picked(span.get("data"), _SPAN_DATA)}
    if str(span.get("op", "")).startswith("db"):
        kept["description"] = span.get("description")  # a statement, whose values are bound
    return kept


def _queries(crumbs: Iterable[Any]) -> Iterable[Fields]:
    """The statements before an error; other breadcrumbs may contain anything."""
    for crumb in crumbs:
        if _mapping(crumb).get("category") == "query":
            yield _picked(crumb, ("timestamp", "type", "level", "category", "message"))


def _raised(raised: Any) -> Fields:
    """An exception or thread with its frames, which hold no local variables."""
    kept = _picked(raised, ("type", "module", "thread_id", "crashed", "current"))
    kept["mechanism"] = _picked(_mapping(raised).get("mechanism"), _MECHANISM)
    kept["value"] = _message(raised)
    stack = _mapping(_mapping(raised).get("stacktrace"))
    kept["stacktrace"] = {"frames": [_picked(frame, _FRAME) for frame in stack.get("frames") or ()]}
    return kept


def _message(raised: Any) -> str:
    """An exception's message, if its kind quotes nothing from a request or a row."""
    message = str(_mapping(raised).get("value") or "")
    kind, module = _mapping(raised).get("type"), str(_mapping(raised).get("module") or "")
    for package, dialect in _DATABASES.items():
        if module == package or module.startswith(f"{package}."):
            return _EMAIL.sub("[value]", without_values(message, dialect) if dialect else message)
    if message.startswith("[Errno "):
        return _QUOTED.sub("[value]", message)
    return _EMAIL.sub("[value]", message) if kind in _BY_INTERPRETER and not module else ""


def _template(entry: Any, logger: str) -> str:
    """A log message without its parameters; other packages write them into the message itself."""
    message = str(_mapping(entry).get("message") or "")
    own = logger == OWN or logger.startswith(f"{OWN}.")
    return message if own or _mapping(entry).get("params") else f"a message of {logger}"


def _picked(fields: Any, names: Iterable[str]) -> Fields:
    return {name: fields[name] for name in names if name in _mapping(fields)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _values(listed: Any) -> list[Any]:
    """The list in {"values": […]}, or the list itself; the SDK may annotate either."""
    values = _mapping(listed).get("values") if isinstance(listed, Mapping) else listed
    return values if isinstance(values, list) else []
