"""The addresses of a trace's rows: hundreds on a page, so their common parts are made once."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from flask import request, url_for

from console.web.timerange import scope_arguments

KEPT = ("at", "from", "to", "q", "op", "category", "server", "over", "errors", "critical")
NOBODY = "0" * 16
"""Stands for the trace itself where an address needs a span id."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Links that keep the filters and open rows of a trace."""

    trace: str
    arguments: dict[str, str]
    opened: frozenset[str]
    shut: frozenset[str]
    _spans: str
    _children: str
    _query: str

    @classmethod
    def of(cls, trace_id: str, at: str, opened: frozenset[str], shut: frozenset[str]) -> Self:
        """The addresses of a trace as this request looks at it; `at` is a hint of its time."""
        asked = {name: request.args[name] for name in (*KEPT, "against") if request.args.get(name)}
        arguments = {**scope_arguments(), "at": at, **asked}
        page = url_for("performance.trace", trace_id=trace_id)
        return cls(
            trace=page,
            arguments=arguments,
            opened=opened,
            shut=shut,
            _spans=f"{page}/spans/",
            _children=f"{page}/children/",
            _query=urlencode(arguments),
        )

    @property
    def page(self) -> str:
        """The trace without a span's panel."""
        return f"{self.trace}?{self._query}"

    @property
    def whole(self) -> str:
        """The trace without filters and zoom."""
        kept = {**scope_arguments(), "at": self.arguments["at"]}
        return f"{self.trace}?{urlencode(kept)}"

    def span(self, span_id: str) -> str:
        """A span's panel."""
        return f"{self._spans}{span_id}?{self._query}"

    def children(self, key: str, level: int, skip: int = 0) -> str:
        """The rows below one row, the first `skip` of them left out."""
        more: dict[str, Any] = {"level": level}
        if key[:-16]:
            more["group"] = key[:-16]
        if skip:
            more["skip"] = skip
        return f"{self._children}{key[-16:] or NOBODY}?{self._query}&{urlencode(more)}"

    def toggled(self, key: str, *, is_open: bool) -> str:
        """The page with one row opened or shut, for a browser without JavaScript."""
        opened, shut = self.opened - {key}, self.shut - {key}
        keys = [("open", row_key) for row_key in sorted(opened if is_open else opened | {key})]
        keys += [("shut", row_key) for row_key in sorted(shut | {key} if is_open else shut)]
        return f"{self.page}&{urlencode(keys)}#r-{key}"
