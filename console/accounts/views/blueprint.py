"""The blueprint of these pages, their links in the rail, and how they answer a change."""

from typing import Any, cast

from flask import Blueprint, Flask, Response, flash

from console.accounts import passwords, releases
from console.accounts.platforms import PLATFORMS
from console.core.db import db
from console.web.errors import busy
from console.web.htmx import is_htmx, part_or_redirect
from console.web.nav import NavItem, TabItem, nav_entry, tab_entry
from console.web.timeline import provide_markers
from console.web.timerange import provide_environments

bp = Blueprint("accounts", __name__)


@bp.record_once
def _know_environments_and_releases(state: Any) -> None:
    """Fill the top bar's list of environments, and mark releases in every chart."""
    app = cast("Flask", state.app)
    provide_environments(app, releases.environments)
    provide_markers(app, releases.markers)


# The first sign that occurs counts: Chrome calls itself Safari too, and Edge calls itself Chrome.
PROGRAMS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)

for item in (
    NavItem("Settings", icon="settings", endpoint="accounts.general", group="Project", order=60),
    NavItem(
        "Projects",
        icon="folder",
        endpoint="accounts.projects",
        group="Organization",
        level="organization",
        order=80,
        exact=True,
    ),
    NavItem(
        "Members",
        icon="users",
        endpoint="accounts.members",
        group="Organization",
        level="organization",
        order=81,
    ),
    NavItem(
        "Audit log",
        icon="list",
        endpoint="accounts.audit_log",
        group="Organization",
        level="organization",
        role="admin",
        order=82,
    ),
    NavItem(
        "Organizations",
        icon="building",
        endpoint="accounts.organizations",
        group="Account",
        level="account",
        order=90,
    ),
):
    nav_entry(bp, item)

for tab in (
    TabItem("General", "accounts.general", "project", 10),
    TabItem("Monitoring", "accounts.monitoring", "project", 20),
    TabItem("Keys", "accounts.keys", "project", 30),
    TabItem("API tokens", "accounts.tokens", "project", 50, role="admin"),
    TabItem("General", "accounts.organization_settings", "organization", 10),
    TabItem("Members", "accounts.members", "organization", 20),
    TabItem("Audit log", "accounts.audit_log", "organization", 40, role="admin"),
):
    tab_entry(bp, tab)


def changed(
    part: str, endpoint: str, note: str, values: dict[str, Any], **context: Any
) -> Response:
    """After a change: the part with a note for htmx, else the page, which shows the note."""
    if not is_htmx():
        flash(note, "good")
    return part_or_redirect(part, endpoint, values, note=note, **context)


@bp.app_errorhandler(passwords.TooBusy)
def too_busy(_error: Exception) -> Response:
    """Answer a sign-in that comes while too many others wait, so that pages keep their threads."""
    db.session.rollback()
    return busy("Too many people sign in at this moment. Try again in a few seconds.")


@bp.app_template_filter("platform")
def platform(name: str) -> str:
    """What a project runs on, as people call it."""
    return PLATFORMS.get(name, name.capitalize()) or "–"


@bp.app_template_filter("browser")
def browser(user_agent: str) -> str:
    """The program and the system that a browser says it is."""
    return recognised(user_agent) or user_agent.partition("/")[0][:40] or "A browser"


def recognised(user_agent: str) -> str:
    """The program and the system in our words; "" if it is no browser of the list."""
    program = next((name for sign, name in PROGRAMS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{program} on {system}" if program and system else program
