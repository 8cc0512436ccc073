"""The blueprint of the performance pages and their links in the rail."""

from typing import Any, cast

from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter

from console.web.nav import NavItem, nav_entry, stay_in_project
from console.web.timerange import opens_with


class TraceIdConverter(BaseConverter):
    """A trace id in an address: 32 hexadecimal digits in lower case."""

    regex = "[0-9a-f]{32}"


class SpanIdConverter(BaseConverter):
    """A span id or a fingerprint in an address: 16 hexadecimal digits in lower case."""

    regex = "[0-9a-f]{16}"


bp = Blueprint(
    "performance", __name__, url_prefix="/<slug:organization>/<slug:project>/performance"
)
GROUP = "Performance"
opens_with(bp, "24h")
stay_in_project(bp)


@bp.record_once
def _add_converters(state: Any) -> None:
    """Let addresses hold ids of traces and spans."""
    converters = cast("Flask", state.app).url_map.converters
    converters.update(trace=TraceIdConverter, span=SpanIdConverter)


def add_to_rail(label: str, icon: str, endpoint: str, order: int, key: str = "") -> None:
    """Show a page of performance in the rail."""
    nav_entry(bp, NavItem(label, icon=icon, endpoint=endpoint, group=GROUP, order=order, key=key))
