"""The facts that the present page narrows its issue's events to, and links that keep them."""

from collections.abc import Sequence
from typing import Any

from flask import g, request

from console.errors.narrowing import Fact, Narrowing, written
from console.errors.views.blueprint import bp
from console.telemetry.errors import EventRow
from console.telemetry.facts import COLUMNS
from console.web.forms import valid
from console.web.timerange import scoped_url

MOST_OFFERED = 300
HOME, LIST = "errors.issue", "errors.issue_events"


def narrowing() -> Narrowing:
    """The filter of this request, read once; raises Invalid for one that makes no sense."""
    if "narrowing" not in g:
        g.narrowing = valid(Narrowing(request.args))
    form: Narrowing = g.narrowing
    return form


@bp.app_template_global()
def issue_url(endpoint: str, **values: Any) -> str:
    """`scoped_url` for the pages of an issue: it keeps the facts as well."""
    return _url(endpoint, narrowing().facts, values)


@bp.app_template_global()
def fact_url(issue_id: int, name: str, value: str) -> str:
    """The issue with its events narrowed to this fact, too; an environment is the top bar's."""
    if name == "environment":
        return issue_url(HOME, issue_id=issue_id, environment=value)
    facts = [fact for fact in narrowing().facts if fact[0] != name]
    return _url(_page(), [*facts, (name, value)], {"issue_id": issue_id})


@bp.app_template_global()
def search_url(name: str, value: str) -> str:
    """All issues that have events with this fact."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return scoped_url("errors.inbox", status="all", q=f'{name}:"{quoted}"')


@bp.app_template_global()
def without_fact_url(issue_id: int, fact: Fact) -> str:
    """The page without one of its facts."""
    facts = [kept for kept in narrowing().facts if kept != fact]
    return _url(_page(), facts, {"issue_id": issue_id})


@bp.app_template_global()
def fact_text(name: str, value: str) -> str:
    """A fact as people write it into the filter."""
    return written(name, value)


@bp.app_template_global()
def fact_texts(rows: Sequence[EventRow]) -> list[str]:
    """The facts that some events have, for completion."""
    names = [*COLUMNS, *dict.fromkeys(name for row in rows for name in row.tags)]
    texts = (written(name, row.fact(name)) for name in names for row in rows if row.fact(name))
    return list(dict.fromkeys(texts))[:MOST_OFFERED]


def _page() -> str:
    """The list of events stays the list; every other part leads to the issue."""
    return LIST if request.endpoint == LIST else HOME


def _url(endpoint: str, facts: Any, values: dict[str, Any]) -> str:
    texts = [written(*fact) for fact in facts]
    return scoped_url(endpoint, **values, **({"fact": texts} if texts else {}))
