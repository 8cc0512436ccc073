"""The blueprint of alerts, and their entries in the rail."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, url_for

from console.accounts.access import me
from console.alerting import pulse, queries
from console.alerting.chronicle import Actor
from console.web.below import front_path
from console.web.nav import NavItem, RailNote, nav_entry, provide_rail_note, stay_in_project
from console.web.notices import Notice, add_source
from console.web.timeline import provide_markers

bp = Blueprint("alerting", __name__, url_prefix="/<slug:organization>/<slug:project>/alerts")
stay_in_project(bp)
STANDS_STILL = (
    "Alerting has stopped: no rule is evaluated and no one is notified. The operator of this"
    " console finds the reason in its log."
)


@bp.record_once
def _on_every_page(state: Any) -> None:
    """Mark the incidents of a project in every chart, and say whether alerting is alive."""
    provide_markers(state.app, queries.markers)
    provide_rail_note(state.app, _rail_note)
    add_source(state.app, _notices)


def _rail_note(organization: Any) -> RailNote | None:
    known = pulse.current()
    if not known.is_known:
        return None
    if not known.is_alive:
        return RailNote(f"Alerting stands still: last tick {known.age} ago", is_bad=True)
    if known.troubles.get(organization.id):
        return RailNote("Alerting has troubles", is_bad=True)
    return RailNote(f"Alerting is alive: last tick {known.age} ago")


def _notices(organization: Any) -> Iterator[Notice]:
    known = pulse.current()
    if known.is_known and not known.is_alive:
        yield Notice(STANDS_STILL, "bad", f"{front_path()}{organization.slug}/", "See the projects")
    for trouble in known.troubles.get(organization.id, ()):
        home = {"organization": organization.slug, "project": trouble.project}
        url = url_for("alerting.incident", incident_id=trouble.incident_id, **home)
        yield Notice(trouble.sentence, "bad", url, "See the incident")


nav_entry(
    bp,
    NavItem(
        "Incidents",
        icon="bell",
        endpoint="alerting.incidents",
        group="Alerts",
        order=30,
        key="b",
        count=queries.open_incidents,
    ),
)
nav_entry(
    bp,
    NavItem("Rules", icon="filter", endpoint="alerting.rules", group="Alerts", order=31, key="u"),
)


def actor() -> Actor:
    """Who does something to an incident on a page."""
    return Actor(user=me())
