"""New releases go to the channels that show changes beside incidents; they notify nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from flask import url_for
from sqlalchemy import func, select

from console.accounts.models import Organization, Project, Release
from console.accounts.projects import console_url
from console.alerting.delivery.models import Channel, MessageState, OutboxMessage
from console.alerting.delivery.threads import key_of
from console.channels.message import Button, Fact, Message, Verb
from console.core import clock
from console.core.db import db, insert, reading, writing

LATE = timedelta(hours=1)
"""A release that was seen first so long ago is no news: it came before the channel wanted any."""
MOST = 500
"""Releases of a run, the latest ones."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """A release of a project that was seen for the first time."""

    project_id: int
    version: str
    environment: str
    at: datetime

    @property
    def key(self) -> str:
        """What tells it from others in an idempotency key; versions may be long."""
        return f"{self.project_id}-{sha256(self.version.encode()).hexdigest()[:16]}"


def announce(organization_id: int) -> Mapping[str, int]:
    """Owe each new release to the channels that want to hear of releases. Commits.

    A release goes to a channel once, however often this looks.
    """
    with reading():
        wanting = _wanting()
        deploys = _new() if wanting else []
        db.session.rollback()
    rows = [_row(organization_id, deploy, id_) for deploy in deploys for id_ in wanting]
    if not rows:
        return {"deploys": 0}
    with writing():
        own = insert(OutboxMessage).values(rows)
        added = own.on_conflict_do_nothing().returning(OutboxMessage.id)
        count = len(db.session.scalars(added).all())
        db.session.commit()
    return {"deploys": count}


def message(row: OutboxMessage) -> Message:
    """What a channel shows of a release, inside a request whose address is the console's."""
    deploy = row.payload
    project = db.session.get(Project, deploy["project_id"])
    organization = db.session.get_one(Organization, row.organization_id)
    name, where = project.name if project else "", deploy["environment"]
    evidence = None
    if project is not None:
        home = {"organization": organization.slug, "project": project.slug}
        url = url_for("performance.endpoints", release=deploy["version"], _external=True, **home)
        evidence = Button("Endpoints of this release", url)
    return Message(
        key=key_of(row, organization),
        thread=key_of(row, organization),
        verb=Verb.DEPLOY,
        at=datetime.fromisoformat(deploy["at"]),
        title=f"Release {deploy['version']}",
        headline=f"Release {deploy['version']} of {name} was seen first",
        severity="low",
        state="resolved",
        organization=organization.name,
        project=name,
        facts=[Fact("Environment", where)] if where else [],
        evidence=evidence,
        incident_url=console_url(),
    )


def _wanting() -> Sequence[int]:
    """The channels that show changes."""
    own = select(Channel.id).where(
        Channel.enabled,
        Channel.deleted_at.is_(None),
        Channel.settings["deploys"].as_string() == "yes",
    )
    return db.session.scalars(own.order_by(Channel.id)).all()


def _new() -> Sequence[Deploy]:
    """The releases that were seen first a moment ago, in the environment that saw them first."""
    first = func.min(Release.first_seen)
    own = (
        select(Release.project_id, Release.version, func.min(Release.environment), first)
        .join(Project, Project.id == Release.project_id)
        .where(Release.version != "", ~Project.builtin)
        .group_by(Release.project_id, Release.version)
        .having(first > clock.now() - LATE)
        .order_by(first.desc())
    )
    return [Deploy(*row) for row in db.session.execute(own.limit(MOST))]


def _row(organization_id: int, deploy: Deploy, channel_id: int) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "key": f"deploy-{deploy.key}-channel-{channel_id}",
        "recipient": f"channel-{channel_id}-deploys",
        "channel_id": channel_id,
        "verb": Verb.DEPLOY,
        "sequence": 0,
        "payload": {
            "project_id": deploy.project_id,
            "version": deploy.version,
            "environment": deploy.environment,
            "at": deploy.at.isoformat(),
        },
        "state": MessageState.WAITING,
        "created_at": clock.now(),
        "next_at": clock.now(),
        "attempts": 0,
        "lease": "",
        "receipt": "",
        "error": "",
    }
