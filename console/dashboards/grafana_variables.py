"""The template variables of a Grafana dashboard, as far as a dashboard here has the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.dashboards.document import MOST_VARIABLES, NAME, Variable
from console.dashboards.grafana_values import Json, mapping, mappings, short, text_of

LONGEST, MOST_VALUES = 200, 100
_USE = re.compile(r"\$\{(\w{1,60})(?::\w{1,20})?\}|\[\[(\w{1,60})(?::\w{1,20})?\]\]|\$(\w{1,60})")
NOT_KEPT = {
    "query": "its values come from a query of another data source",
    "datasource": "numbers have one source here",
    "interval": "the width of buckets follows the time range",
    "adhoc": "filters stand in tiles",
    "groupby": "breakdowns stand in tiles",
}


@dataclass(frozen=True, slots=True)
class Variables:
    """What was kept, the names that they have now by the ones they had, and what was lost."""

    kept: Sequence[Variable]
    names: Mapping[str, str]
    lost: Sequence[str]

    def written(self, text: str) -> str:
        """A text whose uses of variables are written as here: `${name}` as `$name`."""

        def now(match: re.Match[str]) -> str:
            name = self.names.get(match[1] or match[2] or match[3])
            return f"${name}" if name else match[0]

        return _USE.sub(now, text)


def variables_of(given: Sequence[Json]) -> Variables:
    """The variables of a dashboard without queries, intervals and data sources, which are lost."""
    kept: list[Variable] = []
    names: dict[str, str] = {}
    lost: list[str] = []
    for own in given:
        was, kind = text_of(own.get("name")), text_of(own.get("type"))
        name = was.lower()
        reason = NOT_KEPT.get(kind, "" if kind in _READ else f"its kind {kind[:40]} is not known")
        if not reason and not NAME.fullmatch(name):
            reason = "its name is not one of small letters, digits and _"
        if not reason and name in names.values():
            reason = "another variable has this name"
        if not reason and len(kept) == MOST_VARIABLES:
            reason = f"a dashboard has at most {MOST_VARIABLES}"
        if reason:
            lost.append(f"the variable {short(was, 60)}: {reason}")
            continue
        kept.append(_READ[kind](name, own))
        names[was] = name
    return Variables(tuple(kept), names, tuple(lost))


def _list(name: str, own: Json) -> Variable:
    values = tuple(dict.fromkeys(_values(own)))[:MOST_VALUES]
    chosen = _current(own)
    return Variable(
        name=name,
        kind="list",
        label=_label(own),
        values=values,
        default=chosen if chosen in values else "",
    )


def _text(name: str, own: Json) -> Variable:
    default = _current(own) or text_of(own.get("query"))
    return Variable(name=name, kind="text", label=_label(own), default=default[:LONGEST])


_READ = {"custom": _list, "textbox": _text, "constant": _text}


def _values(own: Json) -> Iterator[str]:
    """The options, or the text that they are written in: `a, b, Text : value`."""
    options = mappings(own.get("options"))
    given = [text_of(option.get("value")) for option in options]
    if not given:
        parts = re.split(r"(?<!\\),", text_of(own.get("query"))[:20_000])
        given = [part.rpartition(" : ")[2].replace("\\,", ",").strip() for part in parts]
    yield from (value for value in given if value and value != "$__all" and len(value) <= LONGEST)


def _current(own: Json) -> str:
    value = mapping(own.get("current")).get("value")
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else ""
    text = text_of(value)
    return "" if text == "$__all" else text[:LONGEST]


def _label(own: Json) -> str:
    return short(text_of(own.get("label")), LONGEST)
