"""Panels of Grafana as tiles: of known metrics, or as a text that keeps title and queries."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nh3

from console.dashboards.grafana_values import Json, mapping, mappings, short, text_of
from console.dashboards.grafana_variables import Variables
from console.dashboards.models import LONGEST_TITLE
from console.dashboards.promql import Recognised, recognised
from console.dashboards.settings import LONGEST_MARKDOWN, MOST_QUERIES
from console.telemetry.tile import TileKind

KINDS = {
    "timeseries": "line",
    "graph": "line",
    "graph (old)": "line",
    "barchart": "bar",
    "stat": "number",
    "singlestat": "number",
    "gauge": "number",
    "bargauge": "top",
    "piechart": "top",
    "grafana-piechart-panel": "top",
    "table": "table",
    "table-old": "table",
    "heatmap": "heat",
}
"""Kinds of panels, and of the tiles that show the same."""
OVER_TIME = {"line", "bar", "area", "stacked"}
NEEDS_PARTS = {"top": "number", "table": "number"}
"""Kinds that need a breakdown, and what a panel without one becomes."""
NOT_KEPT = {
    "alert": "its alert: make a rule instead",
    "transformations": "its transformations",
    "repeat": "its repetition for each value of a variable",
    "conditionalRendering": "its condition for being shown",
    "timeFrom": "its own time range",
    "timeShift": "its time shift",
}
NO_KIND = "there are no tiles of this kind"
QUERIES = ("expr", "rawSql", "rawQuery", "query", "expression", "target", "queryText")
_LANGUAGES = {"expr": "promql", "rawSql": "sql"}


@dataclass(frozen=True, slots=True)
class PanelTile:
    """A tile without its place, and what was lost on the way."""

    kind: str
    title: str
    settings: Mapping[str, Any]
    lost: Sequence[str] = ()


def title_of(panel: Json) -> str:
    """What people call a panel."""
    named = short(text_of(panel.get("title")), LONGEST_TITLE)
    return named or f"A panel of the kind {text_of(panel.get('type'))[:40] or 'unknown'}"


def tile_of(panel: Json, variables: Variables, kinds: Mapping[str, TileKind]) -> PanelTile:
    """The tile of a panel, as far as there is one; else a text that says what was there."""
    title = short(variables.written(text_of(panel.get("title"))), LONGEST_TITLE)
    if panel.get("type") == "text":
        return _text(panel, title, variables)
    made = _drawn(panel, title, kinds)
    if isinstance(made, PanelTile):
        return made
    reason = f"became a text: {made}"
    settings = {"text": written_text(panel, made, variables)}
    return PanelTile("text", title, settings, (reason,))


def written_text(panel: Json, reason: str, variables: Variables) -> str:
    """What stands in place of a panel: why, and its queries as they were."""
    parts = [f"This panel of the kind *{_safe(panel)}* was not converted: {reason}."]
    described = text_of(panel.get("description"))
    if described:
        parts.append(variables.written(described)[:2_000])
    for name, query in _queries(panel)[:MOST_QUERIES]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", query)), default=0))
        parts.append(f"{fence}{_LANGUAGES.get(name, '')}\n{query[:3_000]}\n{fence}")
    return "\n\n".join(parts)[:LONGEST_MARKDOWN]


def _safe(panel: Json) -> str:
    return re.sub(r"[^\w .-]", "", text_of(panel.get("type")))[:40] or "unknown"


def _text(panel: Json, title: str, variables: Variables) -> PanelTile:
    options = mapping(panel.get("options"))
    content = text_of(options.get("content", panel.get("content")))
    mode = text_of(options.get("mode", panel.get("mode")))
    lost: tuple[str, ...] = ()
    if mode == "html":
        content = html.unescape(nh3.clean(content, tags=set()))
        lost = ("HTML became plain text",)
    elif mode == "code":
        content = f"````\n{content}\n````"
    if len(content) > LONGEST_MARKDOWN:
        lost = (*lost, f"what is beyond {LONGEST_MARKDOWN:,} characters")
    written = variables.written(content)[:LONGEST_MARKDOWN]
    return PanelTile("text", title, {"text": written}, lost)


def _drawn(panel: Json, title: str, kinds: Mapping[str, TileKind]) -> PanelTile | str:
    """The tile of known metrics; a sentence on why there is none."""
    kind = KINDS.get(text_of(panel.get("type")), "")
    queries = _queries(panel)
    if reason := _obstacle(panel, kind, len(queries)):
        return reason
    known = [recognised(query) if name == "expr" else None for name, query in queries]
    metrics = [own for own in known if own]
    if len(metrics) != len(known):
        return "its query is not one for which the catalogue has the same number"
    if len({own.by for own in metrics}) > 1:
        return "its queries have different breakdowns"
    kind = kind if metrics[0].by or kind not in NEEDS_PARTS else NEEDS_PARTS[kind]
    if kind not in kinds:
        return NO_KIND
    if kind == "line":
        kind = "bar" if _has_bars(panel) else "stacked" if _is_stacked(panel) else "line"
    settings = _settings(kind, kinds[kind], metrics, panel)
    lost = tuple(dict.fromkeys(word for own in metrics for word in own.left_out))
    return PanelTile(kind, title, settings, (*lost, *_panel_losses(panel)))


def _obstacle(panel: Json, kind: str, count: int) -> str:
    """Why no tile can draw a panel, whatever its queries ask."""
    if panel.get("libraryPanel") and not panel.get("targets"):
        return "it stands in Grafana's library, and not in this file"
    if not kind:
        return NO_KIND
    if not count:
        return "it has no query"
    return f"it has more than {MOST_QUERIES} queries" if count > MOST_QUERIES else ""


def _settings(
    kind: str, tile_kind: TileKind, metrics: Sequence[Recognised], panel: Json
) -> dict[str, Any]:
    queries: list[dict[str, Any]] = []
    for own in metrics:
        query: dict[str, Any] = {"metric": own.metric}
        if own.where:
            query["where"] = dict(own.where)
        if query not in queries:
            queries.append(query)
    settings: dict[str, Any] = {"queries": queries}
    if metrics[0].by and "by" in tile_kind.takes:
        settings["by"] = metrics[0].by
    level = _threshold(panel) if kind in OVER_TIME and "threshold" in tile_kind.takes else None
    if level is not None:
        settings["threshold"] = level * _scale(panel, metrics[0])
    return settings


def _scale(panel: Json, metric: Recognised) -> float:
    """What Grafana's unit is multiplied by to be the metric's: latencies are milliseconds here."""
    unit = text_of(mapping(mapping(panel.get("fieldConfig")).get("defaults")).get("unit"))
    axes = mappings(panel.get("yaxes"))
    unit = unit or text_of(axes[0].get("format") if axes else "")  # of a panel before version 7.4
    if metric.metric.startswith("requests.p"):
        return 1.0 if unit == "ms" else 1000.0
    return 100.0 if unit == "percentunit" else 1.0


def _threshold(panel: Json) -> float | None:
    """The first level that is drawn as a line."""
    defaults = mapping(mapping(panel.get("fieldConfig")).get("defaults"))
    old = [own for own in mappings(panel.get("thresholds")) if own.get("line") is True]
    if old:
        return _level(old[0].get("value"))
    style = text_of(mapping(mapping(defaults.get("custom")).get("thresholdsStyle")).get("mode"))
    thresholds = mapping(defaults.get("thresholds"))
    if style in {"", "off"} or thresholds.get("mode") == "percentage":
        return None
    levels = [step.get("value") for step in mappings(thresholds.get("steps"))]
    return next((_level(own) for own in levels if isinstance(own, int | float)), None)


def _level(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < 1e9 else None


def _has_bars(panel: Json) -> bool:
    custom = mapping(mapping(mapping(panel.get("fieldConfig")).get("defaults")).get("custom"))
    return custom.get("drawStyle") == "bars" or panel.get("bars") is True


def _is_stacked(panel: Json) -> bool:
    custom = mapping(mapping(mapping(panel.get("fieldConfig")).get("defaults")).get("custom"))
    stacking = mapping(custom.get("stacking")).get("mode")
    return stacking in {"normal", "percent"} or panel.get("stack") is True


def _queries(panel: Json) -> list[tuple[str, str]]:
    """The member and text of each query that is not hidden."""
    queries = []
    for target in mappings(panel.get("targets")):
        name = next((name for name in QUERIES if text_of(target.get(name)).strip()), "")
        if name and target.get("hide") is not True:
            queries.append((name, text_of(target[name]).strip()))
    return queries


def _panel_losses(panel: Json) -> tuple[str, ...]:
    lost = [words for name, words in NOT_KEPT.items() if panel.get(name)]
    if mappings(mapping(panel.get("fieldConfig")).get("overrides")):
        lost.append("its overrides of fields")
    if mappings(panel.get("links")):
        lost.append("its links")
    return tuple(lost)
