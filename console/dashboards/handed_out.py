"""Links to dashboards that a member made: offered for ending when they leave."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from sqlalchemy import and_, or_, select

from console.accounts.handed_out import Item, Kind, provide_kind
from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.dashboards import links
from console.dashboards.links_models import ShareLink
from console.dashboards.models import Dashboard


def init_app(app: Flask) -> None:
    """Let the page on which a member is removed list their links."""
    provide_kind(app, KIND)


def made_by(user_id: int) -> Sequence[Item]:
    """The links of a person that show something, or would if somebody resumed them."""
    of_dashboard = and_(
        Dashboard.id == ShareLink.dashboard_id,
        Dashboard.organization_id == ShareLink.organization_id,
    )
    of_project = and_(
        Project.id == Dashboard.project_id, Project.organization_id == Dashboard.organization_id
    )
    own = (
        select(ShareLink, Dashboard.title, Project.name)
        .join(Dashboard, of_dashboard)
        .outerjoin(Project, of_project)
        .where(ShareLink.created_by_id == user_id, ShareLink.revoked_at.is_(None))
        .where(or_(ShareLink.expires_at.is_(None), ShareLink.expires_at > clock.now()))
        .order_by(ShareLink.id.desc())
    )
    return [
        Item(
            link.id,
            f"{link.name} …{link.suffix}",
            f"{title} of {project or 'all projects'}",
            link.last_viewed_at,
        )
        for link, title, project in db.session.execute(own)
    ]


def _end(link_id: int, because: str) -> None:
    links.revoke(db.session.get_one(ShareLink, link_id), because=because)


KIND = Kind(
    name="links",
    title="Links to dashboards",
    worked="opened",
    note="A link shows its dashboard to whoever has it, and goes on without its maker. "
    "Choose those to revoke: nobody can bring them back.",
    made_by=made_by,
    end=_end,
)
