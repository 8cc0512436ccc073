"""The rail's entries and the tabs of settings: each blueprint adds its own, none the layout's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, Flask, current_app, request, url_for

from console.web.below import root_path
from console.web.timerange import scoped_url

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

RANKS = {"viewer": 0, "member": 1, "admin": 2, "owner": 3}


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link of the rail; `count` is asked once per page and shown only where action is due.

    `level` says which part of the URL it needs: a project, an organization, or nothing.
    An `exact` one is current on its own page only, not on those below its address.
    Lower `order` stands higher, and the group of the lowest item stands first.
    `key` follows the link after a "g": the first letter of the label, unless it is given.
    """

    label: str
    icon: str
    endpoint: str
    group: str
    level: Literal["project", "organization", "account"] = "project"
    role: str = "viewer"
    order: int = 50
    count: Callable[[Any], int] | None = None
    exact: bool = False
    key: str = ""
    also: str = ""
    """Another page that it is current on, by its endpoint."""
    query: Callable[[Any], dict[str, str]] | None = None
    """What its link asks for on this page."""

    @property
    def shortcut(self) -> str:
        return self.key or self.label[0].lower()


@dataclass(frozen=True, slots=True)
class TabItem:
    """A tab of the settings of a project or an organization; lower `order` stands first."""

    label: str
    endpoint: str
    level: Literal["project", "organization"]
    order: int
    role: str = "viewer"


@dataclass(frozen=True, slots=True)
class NavLink:
    """An entry as this page shows it."""

    label: str
    icon: str
    url: str
    current: bool
    count: int
    key: str


def nav_entry(blueprint: Blueprint, item: NavItem) -> None:
    """Show `item` in the rail of every application that registers `blueprint`.

    An application with two entries of the same key does not start.
    """

    def add(state: BlueprintSetupState) -> None:
        items: list[NavItem] = state.app.extensions.setdefault("pharos.nav", [])
        for former in items:
            if former.shortcut == item.shortcut:
                message = f"{former.label} and {item.label} both claim the key {item.shortcut!r}"
                raise ValueError(message)
        items.append(item)

    blueprint.record_once(add)


@dataclass(frozen=True, slots=True)
class RailNote:
    """A line below the rail's links that stands on every page of an organization."""

    text: str
    is_bad: bool = False


def provide_rail_note(app: Flask, ask: Callable[[Any], RailNote | None]) -> None:
    """Let a feature say a line below the rail: for every page it answers from memory."""
    app.extensions["pharos.rail-note"] = ask


def rail_note(shell: Any) -> RailNote | None:
    """The line below the rail of the page of `shell`."""
    ask = current_app.extensions.get("pharos.rail-note")
    if ask is None or shell is None or shell.organization is None:
        return None
    note: RailNote | None = ask(shell.organization)
    return note


def stay_in_project(blueprint: Blueprint) -> None:
    """Fill in the organization and project of links among the pages of `blueprint`."""

    def fill_in(_endpoint: str, values: dict[str, Any]) -> None:
        present = request.view_args or {}
        for name in ("organization", "project"):
            if name in present:
                values.setdefault(name, present[name])

    blueprint.url_defaults(fill_in)


def same_page_of(project: str) -> str:
    """The page of the rail that is open, of another project of its organization, by its slug.

    Where the open page is not in the rail, as an issue is not, the project's first page.
    """
    items: list[NavItem] = current_app.extensions.get("pharos.nav", [])
    organization, endpoint = (request.view_args or {}).get("organization", ""), request.endpoint
    if endpoint and endpoint in {item.endpoint for item in items if item.level == "project"}:
        # The environments of another project have names of their own.
        return scoped_url(endpoint, organization=organization, project=project, environment=None)
    return f"{root_path()}/{organization}/{project}/"


def tab_entry(blueprint: Blueprint, item: TabItem) -> None:
    """Show `item` among the tabs of settings of every application that registers `blueprint`."""
    blueprint.record_once(
        lambda state: state.app.extensions.setdefault("pharos.tabs", []).append(item)
    )


def settings_tabs(shell: Any, level: str) -> list[tuple[str, str, bool, None]]:
    """The tabs of a level's settings as `ui.tabs` takes them; the current one covers the page."""
    items: list[TabItem] = current_app.extensions.get("pharos.tabs", [])
    shown = sorted((i for i in items if i.level == level), key=lambda i: i.order)
    values = {"organization": shell.organization.slug}
    if level == "project":
        values["project"] = shell.project.slug
    allowed = [i for i in shown if RANKS[shell.role] >= RANKS[i.role]]
    urls = [url_for(item.endpoint, **values) for item in allowed]
    current = max(filter(_is_at_or_above, urls), key=len, default="")
    return [
        (item.label, url, url == current, None) for item, url in zip(allowed, urls, strict=True)
    ]


def nav_groups(shell: Any, *, counts: bool = True) -> list[tuple[str, list[NavLink]]]:
    """The groups and links that the person of `shell` may follow from the page it describes.

    Without `counts` it reads no store.
    """
    allowed = [item for item in _registered() if _allowed(item, shell)]
    links = [(item, _link(item, shell, _count(item, shell) if counts else 0)) for item in allowed]
    covering = [(item, link) for item, link in links if _covers(item, link.url)]
    current = max(covering, key=lambda pair: len(pair[1].url), default=(None, None))[1]
    marked = [(item.group, replace(link, current=link is current)) for item, link in links]
    return [
        (group, [link for _, link in pairs]) for group, pairs in groupby(marked, lambda m: m[0])
    ]


def heading_of(shell: Any) -> str:
    """The label of the current page's link in the rail, "" for a page without one."""
    links = (link for _, group in nav_groups(shell, counts=False) for link in group)
    return next((link.label for link in links if link.current), "")


def _registered() -> list[NavItem]:
    items: list[NavItem] = current_app.extensions.get("pharos.nav", [])
    first = {item.group: min(i.order for i in items if i.group == item.group) for item in items}
    return sorted(items, key=lambda i: (first[i.group], i.group, i.order, i.label))


def _allowed(item: NavItem, shell: Any) -> bool:
    if shell is None or shell.user is None:
        return False
    if item.level == "project" and shell.project is None:
        return False
    if item.level == "organization" and shell.organization is None:
        return False
    return item.level == "account" or RANKS[shell.role] >= RANKS[item.role]


def _link(item: NavItem, shell: Any, count: int) -> NavLink:
    values: dict[str, str] = {}
    if item.level != "account":
        values["organization"] = shell.organization.slug
    if item.level == "project":
        values["project"] = shell.project.slug
    if item.query:
        values |= item.query(shell)
    url = scoped_url(item.endpoint, **values)
    return NavLink(item.label, item.icon, url, current=False, count=count, key=item.shortcut)


def _count(item: NavItem, shell: Any) -> int:
    return item.count(shell.project or shell.organization) if item.count else 0


def _covers(item: NavItem, url: str) -> bool:
    path = url.partition("?")[0]
    if _here() == path or (item.also and request.endpoint == item.also):
        return True
    return not item.exact and _is_at_or_above(path)


def _is_at_or_above(path: str) -> bool:
    return _here() == path or _here().startswith(path.rstrip("/") + "/")


def _here() -> str:
    return request.script_root + request.path
