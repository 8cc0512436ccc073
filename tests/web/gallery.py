"""The page system and nothing else: every atom of it, on pages like real ones."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import sin
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, flash, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import BooleanField, Form, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from console.core.config import EXTENSION, Config
from console.web import frame
from console.web.charts import Chart, Marker, Series, Threshold
from console.web.choices import choices
from console.web.errors import provide_shell
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry
from console.web.timerange import provide_environments

NOW = datetime(2026, 11, 23, 14, 37, tzinfo=UTC)
TOLD = """
error|regressed|12843|391|ZeroDivisionError|division by zero in cart total|checkout.totals
fatal|open|932|88|OperationalError|database is locked while writing order 81723|shop.orders in save
error|open|4410|1204|TypeError|Cannot read properties of undefined ('price')|src/cart/Summary.tsx
warning|open|88|12|TimeoutError|payment gateway did not answer within 8 s|payments.gateway in charge
error|muted|7|3|KeyError|'sku'|catalogue.search in facets
info|open|1200456|0|Message|Stock level below zero for <sku>|stock.jobs in reconcile
error|resolved|31|9|ConnectionResetError|[Errno 104] Connection reset by peer|urllib3.connectionpool
warning|open|3|1|ValidationError|1 validation error for Order: quantity must be above 0|api.orders
"""
CONSOLE = Path(frame.__file__).parent.parent


@dataclass
class Named:
    id: int
    name: str
    slug: str = ""
    email: str = ""
    theme: str = ""


@dataclass
class Membership:
    organization: Named


@dataclass
class Shell:
    user: Named
    organization: Named
    project: Named
    projects: list[Named]
    memberships: list[Membership]
    role: str = "owner"


@dataclass
class Issue:
    id: int
    kind: str
    message: str
    culprit: str
    level: str
    status: str
    events: int
    users: int
    seen: datetime
    first: datetime
    trend: list[int]
    who: str = ""


def named(*names: str) -> list[Any]:
    return choices((name, name) for name in names)


class Filter(Form):
    status = SelectField("Status", choices=named("Open", "Resolved", "Muted", "All"))
    level = SelectField("Level", choices=named("Any level", "Error", "Warning"))
    assignee = SelectField("Assignee", choices=named("Anyone", "Me", "Nobody"))


class Settings(Form):
    name = StringField(
        "Name",
        [DataRequired("Give the project a name."), Length(max=40)],
        render_kw={"autocomplete": "username"},
    )
    platform = SelectField("Platform", choices=named("Python", "Node", "Browser"), default="Python")
    limit = StringField("API P95 limit", [Length(max=9)], description="In milliseconds.")
    password = PasswordField(
        "Password",
        [Length(min=12, message="Use at least 12 characters.")],
        render_kw={"autocomplete": "new-password"},
    )
    rules = TextAreaField("Scrubbing rules", description="One field name per line.")
    keep = BooleanField("Keep client addresses", description="Off by default.")


def create_gallery(assets: str = "auto") -> Flask:
    app = Flask("gallery", static_folder=None)
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(CONSOLE / "templates"),
            FileSystemLoader(Path(__file__).parent / "templates"),
        ]
    )
    app.config["SECRET_KEY"] = "gallery" * 8
    app.extensions[EXTENSION] = Config(assets=assets)
    frame.init_app(app)
    provide_environments(app, lambda _project: ["production", "staging"])
    app.context_processor(lambda: {"shell": shell()})
    provide_shell(app, shell)
    app.register_blueprint(_blueprint())
    return app


def shell() -> Shell:
    acme, globex = Named(1, "Acme", "acme"), Named(2, "Globex", "globex")
    shop, web = Named(1, "shop", "shop"), Named(2, "storefront-web", "web")
    alice = Named(1, "Alice Rivers", email="alice@acme.test", theme=request.args.get("theme", ""))
    return Shell(alice, acme, shop, [shop, web], [Membership(acme), Membership(globex)])


def issues() -> list[Issue]:
    rows = csv.reader(TOLD.strip().splitlines(), delimiter="|")
    return [
        Issue(
            id=index,
            level=level,
            status=status,
            events=int(events),
            users=int(users),
            kind=kind,
            message=message,
            culprit=culprit,
            seen=NOW - timedelta(minutes=7 * index * index + 1),
            first=NOW - timedelta(days=2 * index + 1),
            trend=[int(8 + 8 * sin(i * (index + 1) / 7)) * (i > index) for i in range(28)],
            who="Alice Rivers" if index % 3 == 1 else "",
        )
        for index, (level, status, events, users, kind, message, culprit) in enumerate(rows, 1)
    ]


def charts() -> dict[str, Chart]:
    hours = [NOW.replace(minute=0) - timedelta(hours=6 * (55 - i)) for i in range(56)]
    wave = [max(0, int(40 + 30 * sin(i / 3) + (i % 5) * 4)) for i in range(56)]
    slow = [None if 20 <= i < 24 else 180 + 60 * sin(i / 5) + (i % 7) * 9 for i in range(56)]
    releases = tuple(Marker(hours[i], f"v1.{i}.0") for i in (8, 30, 31, 33, 52))
    stack = (
        Series("Errors", wave, "bar", "bad"),
        Series("Warnings", [v // 3 for v in wave], "bar", "warn"),
    )
    percentiles = (
        Series("P50", [v and v * 0.4 for v in slow], "line", "p50"),
        Series("P95", slow, "line", "p95"),
        Series("P99", [v and v * 1.6 for v in slow], "line", "p99"),
        Series("P95 before", [v and v * 0.8 for v in reversed(slow)], "line", "previous"),
    )
    users = (Series("Users", [v // 9 for v in wave], "area", "1"),)
    limit = Threshold(300, "P95 limit")
    per = partial(Chart, buckets=hours, grain=timedelta(hours=6), complete_until=NOW)
    return {
        "events": per(
            "Events", series=stack, subtitle="per 6 hours", unit="events", markers=releases
        ),
        "latency": per(
            "Latency", series=percentiles, subtitle="ms, 6 hours", unit="ms", threshold=limit
        ),
        "users": per("Affected users", series=users, subtitle="per 6 hours", unit="users"),
    }


def _blueprint() -> Blueprint:
    bp = Blueprint("gallery", __name__)
    pages = {
        "inbox": "/issues/",
        "issue": "/issues/7/",
        "overview": "/overview/",
        "settings": "/settings/",
        "members": "/members/",
        "atoms": "/atoms/",
        "login": "/login",
        "blank": "/blank/",
    }
    for name, url in pages.items():
        bp.add_url_rule(
            f"/<organization>/<project>{url}", name, _page(name), methods=["GET", "POST"]
        )
    bp.add_url_rule("/<organization>/<project>/live/", "live", _live())
    for order, (label, icon, name, group) in enumerate(
        [
            ("Issues", "bug", "inbox", "Errors"),
            ("Overview", "chart", "overview", "Errors"),
            ("Connect", "plug", "blank", "Data"),
            ("Atoms", "layers", "atoms", "Data"),
            ("Settings", "settings", "settings", "Project"),
            ("Members", "users", "members", "Organization"),
        ]
    ):
        count = (lambda _project: 3) if label == "Issues" else None
        nav_entry(bp, NavItem(label, icon, f"gallery.{name}", group, order=order, count=count))
    return bp


def _live():
    """A part that changes once, then stays."""
    ticks = iter([1, 2])

    def view(organization: str, project: str) -> Response:
        if "broken" in request.cookies:
            abort(503)
        return polled_part("gallery/live.html", "gallery/_live.html", tick=next(ticks, 2))

    return view


def _page(name: str):
    def view(organization: str, project: str) -> str:
        if name == "members":
            flash("Invitation sent to dana@acme.test.", "good")
        form = Settings(request.form) if request.method == "POST" else Settings(name="shop")
        if request.method == "POST":
            form.validate()
        return render_template(
            f"gallery/{name}.html", issues=issues(), charts=charts(), now=NOW, form=form,
            filters=Filter(request.args), ago=lambda **k: NOW - timedelta(**k),
        )  # fmt: skip

    return view


if __name__ == "__main__":
    create_gallery().run(port=8077, threaded=True)
