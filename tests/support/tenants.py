"""Organizations with something in every table, marked so that a leak can be read in an answer."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from secrets import token_hex
from typing import Any

from flask import Flask
from sqlalchemy import and_, func, select

from console.accounts import members, projects
from console.accounts.access import PERMISSIONS
from console.accounts.models import (
    Key,
    LinkedIdentity,
    Organization,
    Passkey,
    Project,
    Role,
    User,
)
from console.alerting import incidents, rules
from console.alerting.chronicle import Actor
from console.alerting.condition import Verdict
from console.alerting.decide import Standing, State
from console.alerting.delivery.models import (
    AttemptOutcome,
    Channel,
    ContactPreference,
    DeliveryAttempt,
    DeliveryHold,
    HoldReason,
    MessageLink,
    MessageThread,
    OutboxMessage,
    Purpose,
    ReceivedEvent,
    SlackAccount,
)
from console.alerting.escalation import policies
from console.alerting.escalation.models import Escalation, PolicyUse
from console.alerting.escalation.plan import STANDARD
from console.alerting.models import (
    Evaluation,
    Incident,
    RuleSeries,
    Silence,
    StandardRules,
)
from console.changes.judged import ChangeState
from console.changes.models import Change, JudgedDays
from console.channels.message import Verb
from console.core import audit, clock, failures
from console.core.crypto import hash_of
from console.core.db import db
from console.core.persons import person_scope
from console.core.tenancy import scoped_models
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile
from console.dashboards.links_models import EmbedKey, ShareLink, ShareVisit, Visit
from console.dashboards.models import (
    Annotation,
    Dashboard,
    DashboardFavourite,
    StandardDashboards,
)
from console.errors.changes import change, happened
from console.errors.models import Category, ChangeKind, Comment, Issue, IssueErasure, SavedView
from console.ingest.spool import SpoolRow
from console.telemetry import store
from console.telemetry.kinds import CHECK_RESULTS
from console.telemetry.records import CheckOutcome, CheckResult
from console.telemetry.tables import span
from console.uptime import checks, maintenance, status_pages
from console.uptime.models import Outage
from console.uptime.probe import Request
from tests.errors import samples
from tests.ingest import requests_sent
from tests.support import factories
from tests.support.reported import reported

OF_ALL = {"dashboard_id": "dashboard of the organization", "link_id": "its link"}


@dataclass
class Tenant:
    """An organization, what it holds, and how its owner and its scripts get in."""

    organization: Organization
    project: Project
    marker: str  # stands in every text of it, and in no request
    email: str
    token: str
    ids: dict[str, int]  # a row of each table
    event_id: str
    position: int  # of a dead letter
    tile_id: str
    trace_id: str
    span_id: str  # the trace's request
    fingerprint: str  # of the statement that it repeats


def make(app: Flask, slug: str) -> Tenant:
    """Fill an organization through the front door where there is one, else by rows."""
    marker = f"secret-{slug}"
    organization = factories.make_organization(app, slug)
    email = f"owner@{marker}.test"
    person = factories.make_member(app, organization, email, Role.OWNER)
    factories.make_member(app, organization, f"other@{marker}.test", Role.VIEWER)
    project = factories.make_project(app, organization)
    event_id = send(app, project, marker)
    trace_id = token_hex(16)
    fingerprint = send_request(app, project, marker, trace_id)
    with factories.inside(app, organization):
        named(organization.id, project.id, marker)
        issue = db.session.scalars(select(Issue).where(Issue.category == Category.ERROR)).one()
        db.session.add(Comment(issue_id=issue.id, author_id=person.id, text=marker))
        note = {"note": marker}
        happened([change(issue, ChangeKind.ASSIGNED, by=person, details=note)])
        audit.record("thing.done", marker, actor=email)
        here = db.session.get_one(Project, project.id)
        view = SavedView(project_id=project.id, user_id=person.id, name=marker, query=f"q={marker}")
        db.session.add(view)
        _row, token = projects.create_token(here, marker, [*PERMISSIONS])
        members.invite(f"guest@{marker}.test", Role.MEMBER, by=db.session.get_one(User, person.id))
        db.session.commit()
        failures.add("retention", marker)
        watch(here, marker)
        check(here, marker)
        tile_id = board(here, marker)
        changed(here, marker)
        reported(here, marker)
        ids = {
            model.__tablename__: db.session.scalar(select(func.min(model.id))) or 0
            for model in scoped_models()
        }
        ids |= ids_of_all()
        ids |= {"user": person.id, **personal_rows(person.id, marker)}
    position = dead_letter(app, project, marker)
    return Tenant(
        organization,
        project,
        marker,
        email,
        token,
        ids,
        event_id,
        position,
        tile_id,
        trace_id,
        requests_sent.segment_id(trace_id),
        fingerprint,
    )


def ids_of_all() -> dict[str, int]:
    """The rows of the organization's own dashboard, in addresses without a project."""
    of_all = select(func.min(Dashboard.id)).where(Dashboard.project_id.is_(None))
    board_id = db.session.scalar(of_all) or 0
    own = select(func.min(ShareLink.id)).where(ShareLink.dashboard_id == board_id)
    return {OF_ALL["dashboard_id"]: board_id, OF_ALL["link_id"]: db.session.scalar(own) or 0}


def personal_rows(user_id: int, marker: str) -> dict[str, int]:
    """Give the person a passkey and an identity at a provider; return their ids."""
    with person_scope(user_id):
        key = f"{marker}'s key".encode()
        passkey = Passkey(
            user_id=user_id,
            hash=hash_of(f"passkey of {marker}"),
            credential_id=key,
            public_key=key,
            sign_count=0,
            name=marker,
        )
        identity = LinkedIdentity(
            user_id=user_id, hash=hash_of(f"identity of {marker}"), issuer=f"https://{marker}.test"
        )
        db.session.add_all([passkey, identity])
        db.session.flush()
        ids = {"passkey": passkey.id, "linked_identity": identity.id}
    db.session.commit()
    return ids


def watch(project: Project, marker: str) -> None:
    """Give the project a rule that fires, an incident with its history, and a silence."""
    definition = replace(rules.STANDARD[0].definition, environment=marker, release=f"{marker}@1")
    rule = rules.create(project, f"Rule of {marker}", definition, tags=[marker])
    rules.change(rule, replace(definition, window_seconds=600), by=None)
    own = {"rule_id": rule.id, "value": marker}
    now, why = clock.now(), f"why {marker}"
    standing = Standing(state=State.WARNING)
    series = RuleSeries(**own, state=standing.state, standing=standing.document, changed_at=now)
    evaluation = Evaluation(
        **own, at=now, version=1, verdict=Verdict.WARNING, state=State.WARNING, why=why,
        decided_at=now,
    )  # fmt: skip
    db.session.add(StandardRules(project_id=project.id))
    incident = Incident(
        **own, project_id=project.id, rule_version=1, title=f"Incident of {marker}", why=why,
        level=State.WARNING, worst=State.WARNING, breached_at=now, opened_at=now, sequence=0,
    )  # fmt: skip
    silence = Silence(
        project_id=project.id, rule_id=rule.id, value=marker, reason=f"reason {marker}",
        starts_at=now, ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    db.session.add_all([series, evaluation, incident, silence])
    db.session.flush()
    incidents.note(incident, f"note {marker}", by=Actor(name=marker))
    told_of(incident, marker)
    db.session.commit()


def told_of(incident: Incident, marker: str) -> None:
    """Give an incident all that is kept of telling people."""
    owner = db.session.scalars(select(User).limit(1)).one()
    now, key = clock.now(), f"channel {marker}"
    channel = Channel(name=key, kind="webhook", settings={"url": marker}, hook=hash_of(marker))
    policy = policies.create(f"Policy {marker}", STANDARD)
    use = PolicyUse(policy_id=policy.id, project_id=incident.project_id)
    db.session.add_all([channel, use])
    db.session.flush()
    message = OutboxMessage(
        incident_id=incident.id, key=marker, recipient=f"channel-{channel.id}",
        channel_id=channel.id, verb=Verb.TRIGGER, payload={"title": marker}, next_at=now,
    )  # fmt: skip
    db.session.add(message)
    db.session.flush()
    attempt = DeliveryAttempt(
        message_id=message.id, number=1, at=now, milliseconds=1.0,
        outcome=AttemptOutcome.FAILED, answer=marker,
    )  # fmt: skip
    thread = MessageThread(
        incident_id=incident.id, recipient=message.recipient, reference={"ts": marker}
    )
    link = MessageLink(
        hash=hash_of(f"link {marker}"), purpose=Purpose.ACT, incident_id=incident.id,
        message_id=message.id, user_id=owner.id, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    escalation = Escalation(
        incident_id=incident.id, policy_id=policy.id, policy_name=policy.name, policy_version=1,
        document=policy.document, started_at=now, next_at=now + timedelta(days=1),
    )  # fmt: skip
    db.session.add_all(
        [
            attempt, thread, link, escalation,
            ContactPreference(user_id=owner.id, document={}),
            SlackAccount(
                app=hash_of(f"app {marker}"), team="T1", slack_user=marker[:30],
                channel_id=channel.id, user_id=owner.id,
            ),
            ReceivedEvent(channel_id=channel.id, event_key=marker[:100], body=marker),
            DeliveryHold(reason=HoldReason.BY_HAND, released_at=clock.now()),
        ]
    )  # fmt: skip


def board(project: Project, marker: str) -> str:
    """Give the project a dashboard that its owner likes, and a note; return its tile's id.

    The organization has the same one, with the same tile, after it.
    """
    owner = db.session.scalars(select(User).limit(1)).one()
    tile = Tile(id="", kind="text", title=marker, settings={"text": f"text of {marker}"})
    tab = Tab(title=marker, sections=(Section(title=marker, tiles=(tile,)),))
    made = making.create(project, Document(title=f"Board of {marker}", tabs=(tab,)), by=owner)
    db.session.add_all(
        [
            DashboardFavourite(dashboard_id=made.id, user_id=owner.id),
            StandardDashboards(project_id=project.id, templates=[*making.templates()]),
            Annotation(project_id=project.id, at=clock.now(), text=f"note of {marker}"),
        ]
    )
    share(made.id, marker)
    of_all = making.create(None, Document.of(made.document), by=owner)
    of_all.document = made.document
    share(of_all.id, marker)
    db.session.commit()
    return next(Document.of(made.document).tiles).id


def changed(project: Project, marker: str) -> None:
    """Give the project a change of its endpoint that lives, and a judged day."""
    day = clock.now().date()
    change = Change(
        project_id=project.id, environment="", rule_id="endpoint-latency", subject=f"GET /{marker}",
        name=f"GET /{marker}", state=ChangeState.NEW, way=1, first_day=day, last_day=day,
        judged_day=day, moved_on=day, quiet_days=0, before=100.0, after=300.0, peak=300.0,
        samples=200, impact=400,
        course={
            "former": [100.0] * 7, "days": [[day.isoformat(), 300.0, 200, 200.0]], "mark": 300.0
        },
        cause={"dimension": "server", "value": marker, "before": 0.1, "now": 0.9},
    )  # fmt: skip
    judged = JudgedDays(project_id=project.id, last_day=day, judged_at=clock.now(), compared=1)
    db.session.add_all([change, judged])
    db.session.commit()


def share(dashboard_id: int, marker: str) -> None:
    """Give a dashboard a link that somebody has followed, with a key for embeds."""
    link = ShareLink(
        dashboard_id=dashboard_id, name=f"Link of {marker}",
        hash=hash_of(f"share {marker} {dashboard_id}"),
        suffix=marker[-6:],
    )  # fmt: skip
    db.session.add(link)
    db.session.flush()
    key = EmbedKey(
        link_id=link.id, name=hash_of(f"key {link.id} {marker}")[:32], sealed=marker.encode()
    )
    db.session.add_all([key, ShareVisit(link_id=link.id, way=Visit.PAGE, browser=marker[:30])])


def check(project: Project, marker: str) -> None:
    """Give the project a check that is down and maintained, and a status page of it."""
    now, secret = clock.now(), {"X-Token": marker}
    request = Request(url=f"https://{marker}.test/", text=marker, headers=secret)
    made = checks.create(project, f"Check of {marker}", request)
    made.next_due, made.last_why = None, f"why {marker}"
    maintenance.plan(project, made, now, now + timedelta(hours=1), marker, None)
    owner = db.session.scalars(select(User).limit(1)).one()
    status_pages.create(project, f"Status of {marker}", [made], by=owner)
    db.session.add(Outage(check_id=made.id, began_at=now, why=marker))
    db.session.commit()
    result = CheckResult(
        organization_id=project.organization_id, project_id=project.id, position=-1,
        result_id=token_hex(16), check_id=made.id, slug=made.slug, kind=made.kind, timestamp=now,
        client_timestamp=now, received_at=now, outcome=CheckOutcome.DOWN, state="down",
        seconds=60.0, why=f"why {marker}", answered=f"answer of {marker}",
    )  # fmt: skip
    store.current().write_own(project.organization_id, [result], 1, CHECK_RESULTS)


def named(organization_id: int, project_id: int, marker: str) -> None:
    db.session.get_one(Organization, organization_id).name = f"{marker} Inc."
    db.session.get_one(Project, project_id).name = f"Shop of {marker}"
    for key in db.session.scalars(select(Key)):
        key.label = marker
    db.session.add(IssueErasure(project_id=project_id, issue_id=0, hashes=[marker]))


def send(app: Flask, project: Project, marker: str) -> str:
    """Give the project an event by an SDK's way, and digest it; return the event's id."""
    event_id = token_hex(16)
    event: dict[str, Any] = {
        **samples.raised(value=marker, release=f"{marker}@1", environment=marker),
        "event_id": event_id,
    }
    key = factories.public_key(app, project)
    answer = app.test_client().post(
        f"/api/{project.id}/store/",
        data=json.dumps(event),
        headers={"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"},
    )
    assert answer.status_code == 200, answer.text
    app.extensions["pharos.pipeline"].drain()
    return event_id


def send_request(app: Flask, project: Project, marker: str, trace_id: str) -> str:
    """Give the project a request that repeats a statement; return the statement's fingerprint."""
    sent = requests_sent.request(
        route=f"/{marker}", release=f"{marker}@1", environment=marker, trace_id=trace_id,
        look_up=f"SELECT a FROM t_{marker.replace('-', '_')} WHERE id = ?",
    )  # fmt: skip
    key = factories.public_key(app, project)
    answer = app.test_client().post(
        f"/api/{project.id}/envelope/?sentry_version=7&sentry_key={key}", data=sent
    )
    assert answer.status_code == 200, answer.text
    app.extensions["pharos.pipeline"].drain()
    with factories.inside(app, project):
        using = store.current().using(project.organization_id)
        with using as database, database.transaction() as connection:
            is_look_up = and_(span.c.category == "db", span.c.name.contains("t_secret"))
            found = connection.scalars(select(span.c.fingerprint).where(is_look_up))
            fingerprint: str = found.first() or ""
    return fingerprint


def dead_letter(app: Flask, project: Project, marker: str) -> int:
    """Put a request among the dead letters; return its position."""
    spool = app.extensions["pharos.spool"]
    position: int = spool.append(
        SpoolRow(
            organization_id=project.organization_id,
            project_id=project.id,
            key_id=1,
            received_at=clock.now(),
            kind="sentry.store",
            body=b"{",
            header={"items": "event"},
        )
    )
    row = next(row for row in spool.read(position - 1) if row.position == position)
    spool.bury(row, marker)
    return position
