"""Sets the page system up: filters, assets, headers, error pages, CSRF, the layout's questions."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request, url_for
from flask_wtf import CSRFProtect

from console.web import assets, clocks, compress, csp, drawing, errors, filters, ids, incoming
from console.web.below import front_path, root_path
from console.web.charts import Chart
from console.web.nav import nav_groups, rail_note, same_page_of, settings_tabs
from console.web.notices import page_notices
from console.web.timerange import (
    COMPARE_LABELS,
    PARAMETERS,
    RANGE_LABELS,
    REFRESH_LABELS,
    current_range,
    environments,
    range_form,
    scope_arguments,
    scoped_url,
)

THEMES = ("light", "dark")
LIVE = "5"  # seconds between refreshes until somebody chooses otherwise: new data shows by itself
csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Make the console's page system available to `app`."""
    for module in (incoming, ids, clocks, filters, assets, compress, csp, errors, drawing):
        module.init_app(app)
    csrf.init_app(app)  # after csp: where a request comes from is looked at before its token
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        current_range=current_range,
        environments=environments,
        front_path=front_path,
        has_endpoint=has_endpoint,
        root_path=root_path,
        same_page_of=same_page_of,
        kept_arguments=kept_arguments,
        nav_groups=nav_groups,
        page_notices=page_notices,
        rail_note=rail_note,
        range_form=range_form,
        RANGE_LABELS=RANGE_LABELS,
        COMPARE_LABELS=COMPARE_LABELS,
        REFRESH_LABELS=REFRESH_LABELS,
        refresh_choice=refresh_choice,
        scope_arguments=scope_arguments,
        scoped_url=scoped_url,
        tab_items=settings_tabs,
        theme=theme,
        tile_url=tile_url,
        url_with=url_with,
        watch_url=watch_url,
    )
    app.jinja_env.globals["ui"] = Macros(app)
    app.context_processor(lambda: {"shell": None})


class Macros:
    """The macros of templates/ui/, under the one name `ui` in every page and part."""

    def __init__(self, app: Flask) -> None:
        self._environment = app.jinja_env

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment.get_template("ui/all.html").module, name)


def theme(shell: Any) -> str:
    """light, dark, or "" to follow the system: the person's choice, else the browser's cookie."""
    chosen = getattr(getattr(shell, "user", None), "theme", "") or request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def refresh_choice() -> str:
    """How often this browser refreshes a page, in seconds; chosen in the top bar."""
    chosen = request.cookies.get("refresh", LIVE)
    return chosen if chosen in REFRESH_LABELS else LIVE


def watch_url(chart: Chart) -> str:
    """Where a rule about the number of a chart is made; "" for a chart that none can watch."""
    here = request.view_args or {}
    if not chart.watch or "project" not in here:
        return ""
    return scoped_url("alerting.new_rule", **chart.watch)


def tile_url(chart: Chart) -> str:
    """Where a chart is added to a dashboard; "" for a chart that no tile could draw."""
    if not watch_url(chart):
        return ""
    kind = chart.series[0].kind if chart.series else "line"
    return url_for("dashboards.add_chart", kind=kind, title=chart.title, **chart.watch)


def has_endpoint(name: str) -> bool:
    """Whether a link to `name` leads anywhere in this application."""
    return name in current_app.view_functions


def kept_arguments() -> list[tuple[str, str]]:
    """The page's own query parameters, which the top bar's form must hand on.

    Not the place in a list: a number as `page`, a `cursor`. A `page` by name is what it is about.
    """
    dropped = {*PARAMETERS, "cursor"}
    return [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name not in dropped and not (name == "page" and value.isdecimal())
    ]


def url_with(**changes: Any) -> str:
    """This page's URL with some query parameters changed; None drops one."""
    arguments = request.args.copy()
    for name, value in changes.items():
        arguments.poplist(name)
        if value is not None and value != "":
            arguments.add(name, value)
    query = urlencode(list(arguments.items(multi=True)))
    here = request.script_root + request.path
    return f"{here}?{query}" if query else here
