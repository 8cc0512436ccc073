"""Links to dashboards: made, changed, paused, revoked, and found by their token. Callers commit.

A link is evaluated as itself, never as who made it: it goes on when that person leaves, until
somebody pauses or revokes it, or its time is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import abort
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import joinedload

from console.accounts.models import Membership, User
from console.accounts.passwords import hash_password
from console.accounts.views.blueprint import recognised
from console.core import audit, clock
from console.core.crypto import Token, hash_of, new_token
from console.core.db import db
from console.core.noting import note
from console.core.tenancy import bearer, enter_organization
from console.dashboards.links_models import EmbedKey, ShareLink, ShareVisit, Visit
from console.dashboards.models import Dashboard

MOST = 100
"""Links of a dashboard that are not revoked."""
FULL = f"A dashboard has at most {MOST} links. Revoke one first."
UNSEEN = timedelta(hours=1)
"""A page that reloads itself counts after this time, so that nobody looks without a trace."""
MOST_VISITS, SHOWN_VISITS, TIDIED_EVERY = 1_000, 50, 100
REVOKED_SHOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a link shows, for how long and to which sites."""

    name: str
    expires_at: datetime | None = None
    locked: Mapping[str, str]
    opened: Sequence[str] = ()
    range: str = ""
    is_range_open: bool = False
    environment: str = ""
    has_markers: bool = False
    theme: str = ""
    zone: str = "UTC"
    origins: Sequence[str] = ()


def create(
    dashboard: Dashboard,
    terms: Terms,
    password: str = "",
    *,
    by: User | None = None,
    script: str = "",
    owner_id: int | None = None,
) -> tuple[ShareLink, str]:
    """Add a link; return it with its token, which is shown once. Raises passwords.TooBusy.

    A link that a script makes belongs to whoever made the script's token: `owner_id`.
    """
    token, hashed = new_token(Token.SHARE)
    link = ShareLink(
        dashboard_id=dashboard.id,
        hash=hashed,
        suffix=token[-6:],
        password=hash_password(password) if password else "",
        created_by_id=by.id if by else owner_id,
        **_columns(terms),
    )
    db.session.add(link)
    db.session.flush()
    _record("created", dashboard, link, by, script)
    return link, token


def change(
    link: ShareLink,
    terms: Terms,
    *,
    password: str | None = None,
    by: User | None = None,
    script: str = "",
) -> None:
    """Change what a link shows; its address stays. `password`: a new one, "" for none from now on.

    Raises passwords.TooBusy.
    """
    for name, value in _columns(terms).items():
        setattr(link, name, value)
    if password is not None:
        link.password = hash_password(password) if password else ""
    _record("changed", dashboard_of(link), link, by, script)


def pause(link: ShareLink, *, by: User | None = None, script: str = "") -> None:
    """Let a link show nothing until it is resumed."""
    if link.paused_at is None:
        link.paused_at = clock.now()
        _record("paused", dashboard_of(link), link, by, script)


def resume(link: ShareLink, *, by: User | None = None, script: str = "") -> None:
    if link.paused_at is not None:
        link.paused_at = None
        _record("resumed", dashboard_of(link), link, by, script)


def revoke(link: ShareLink, *, by: User | None = None, script: str = "", because: str = "") -> None:
    """Let a link show nothing for ever; its log stays."""
    if link.revoked_at is None:
        link.revoked_at = clock.now()
        db.session.execute(delete(EmbedKey).where(EmbedKey.link_id == link.id))
        _record("revoked", dashboard_of(link), link, by, script, because)


def by_token(token: str) -> ShareLink | None:
    """The link of a token if it is active; its organization is entered."""
    hashed = hash_of(token)
    with bearer(ShareLink, hashed):
        organization_id = db.session.scalar(select(ShareLink.organization_id))
    return None if organization_id is None else _active(organization_id, ShareLink.hash == hashed)


def by_id(organization_id: int, link_id: int) -> ShareLink | None:
    """An active link of an organization, which is entered."""
    return _active(organization_id, ShareLink.id == link_id)


def dashboard_of(link: ShareLink) -> Dashboard:
    return db.session.scalars(select(Dashboard).where(Dashboard.id == link.dashboard_id)).one()


def links(dashboard: Dashboard) -> Sequence[ShareLink]:
    """The links of a dashboard, the latest first; those revoked long ago are left out."""
    recent = ShareLink.revoked_at.is_(None) | (
        ShareLink.revoked_at > clock.now() - REVOKED_SHOWN_FOR
    )
    own = select(ShareLink).where(ShareLink.dashboard_id == dashboard.id, recent)
    by_age = own.order_by(ShareLink.revoked_at.is_not(None), ShareLink.id.desc())
    return db.session.scalars(by_age.options(joinedload(ShareLink.created_by))).all()


def is_full(dashboard: Dashboard) -> bool:
    """Whether a dashboard has so many links that it gets no more."""
    own = select(func.count(ShareLink.id)).where(
        ShareLink.dashboard_id == dashboard.id, ShareLink.revoked_at.is_(None)
    )
    return (db.session.scalar(own) or 0) >= MOST


def link_or_404(dashboard: Dashboard, link_id: int) -> ShareLink:
    own = select(ShareLink).where(ShareLink.dashboard_id == dashboard.id, ShareLink.id == link_id)
    return db.session.scalar(own) or abort(404)


def open_link_or_404(dashboard: Dashboard, link_id: int) -> ShareLink:
    """A link that was not revoked, and so can be changed."""
    link = link_or_404(dashboard, link_id)
    return abort(404) if link.revoked_at else link


def visits(link: ShareLink) -> Sequence[ShareVisit]:
    """The last looks at a link, the latest first."""
    own = select(ShareVisit).where(ShareVisit.link_id == link.id)
    return db.session.scalars(own.order_by(ShareVisit.id.desc()).limit(SHOWN_VISITS)).all()


def names_of_members() -> Sequence[str]:
    """The names of the organization's people."""
    own = select(User.name).join(Membership, Membership.user_id == User.id)
    return db.session.scalars(own).all()


def is_unseen(link: ShareLink) -> bool:
    """Whether nobody was counted lately."""
    return link.last_viewed_at is None or link.last_viewed_at < clock.now() - UNSEEN


def state_of(link: ShareLink, dashboard: Dashboard) -> str:
    """Active, paused, expired, revoked, or broken: it locks a variable that there is no more.

    A broken link would show what the lock kept back, so it shows nothing until somebody changes it.
    """
    known = {own["name"] for own in dashboard.document.get("variables", ())}
    return "broken" if link.state == "active" and not set(link.locked) <= known else link.state


def viewed(link_id: int, way: Visit, user_agent: str) -> None:
    """Count a look, and log it without who it was. Ends the transaction under way, and commits.

    A page is worth more than its count: while nobody can write, it is shown all the same.
    """
    browser, now = recognised(user_agent).partition(" on ")[0][:30], clock.now()

    def write() -> None:
        counted = (
            update(ShareLink)
            .where(ShareLink.id == link_id)
            .values(views=ShareLink.views + 1, last_viewed_at=now)
            .returning(ShareLink.id)
        )
        if db.session.scalar(counted) is None:  # it was deleted meanwhile
            return
        visit = ShareVisit(link_id=link_id, at=now, way=way, browser=browser)
        db.session.add(visit)
        db.session.flush()
        if visit.id % TIDIED_EVERY == 0:
            _forget_oldest(link_id)

    note("a look at a share link", write)


def _active(organization_id: int, condition: Any) -> ShareLink | None:
    enter_organization(organization_id)
    link = db.session.scalar(select(ShareLink).where(condition))
    return link if link and state_of(link, dashboard_of(link)) == "active" else None


def _forget_oldest(link_id: int) -> None:
    """Keep the latest looks of a link."""
    own = select(ShareVisit.id).where(ShareVisit.link_id == link_id)
    oldest = db.session.scalar(own.order_by(ShareVisit.id.desc()).offset(MOST_VISITS).limit(1))
    if oldest is not None:
        gone = delete(ShareVisit).where(ShareVisit.link_id == link_id, ShareVisit.id <= oldest)
        db.session.execute(gone)


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "name": terms.name,
        "expires_at": terms.expires_at,
        "locked": dict(terms.locked),
        "opened": list(terms.opened),
        "range": terms.range,
        "is_range_open": terms.is_range_open,
        "environment": terms.environment,
        "has_markers": terms.has_markers,
        "theme": terms.theme,
        "zone": terms.zone,
        "origins": list(terms.origins),
    }


def _record(
    verb: str,
    dashboard: Dashboard,
    link: ShareLink,
    by: User | None,
    script: str,
    because: str = "",
) -> None:
    why = {"because": because} if because else {}
    actor = by.email if by else script
    audit.record(f"link.{verb}", link.name, actor=actor, dashboard=dashboard.title, **why)
