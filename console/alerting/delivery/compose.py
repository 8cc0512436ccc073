"""A message is composed when it is sent: what was true of its incident, in words and links.

The payload is what `payload.snapshot` wrote, with `because` (the policy, step and round that chose
the receiver), `owed_at` (when the first of merged messages was due), `unheard` (it began and calmed
down before its receiver heard of it) and, of a list of incidents, `storm`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from flask import Flask, current_app, request, url_for
from sqlalchemy import select

from console.accounts.models import Organization, Project, User
from console.accounts.projects import console_url
from console.alerting import queries
from console.alerting.decide import State
from console.alerting.definition import Definition
from console.alerting.delivery import deploys
from console.alerting.delivery.context import surroundings
from console.alerting.delivery.models import Channel, OutboxMessage
from console.alerting.delivery.order import owed_at
from console.alerting.delivery.threads import key_of, thread_of
from console.alerting.leads import Lead, rows_behind
from console.alerting.models import Incident, Rule
from console.alerting.wording import ABOVE
from console.channels.message import Button, Fact, Message, Verb
from console.core.db import db
from console.web import clocks
from console.web.filters import duration, plural

Composer = Callable[[OutboxMessage, datetime], Message]
COMPOSERS = "pharos.composers"
AROUND = timedelta(minutes=15)
MOST_LISTED = 20
RANK = {"critical": 2, "warning": 1}


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about, with names."""

    incident: Incident
    project: Project
    organization: Organization
    rule: Rule | None

    @property
    def home(self) -> dict[str, str]:
        """The part of every address that says where."""
        return {"organization": self.organization.slug, "project": self.project.slug}


def provide_composer(app: Flask, verb: Verb, composer: Composer) -> None:
    """Let a package above compose the messages of its own verb, which concern no incident."""
    app.extensions.setdefault(COMPOSERS, {})[verb] = composer


def compose(row: OutboxMessage, now: datetime) -> Message:
    """What a message says when it is sent now."""
    # Links lead to the console's own address; outside a request nothing else says what that is.
    address = current_app.test_request_context(base_url=console_url())
    zone = row.user.zone if row.user is not None else ""
    with address, clocks.in_zone_of(zone):
        if row.verb is Verb.DEPLOY:
            return deploys.message(row)
        if row.verb in current_app.extensions.get(COMPOSERS, {}):
            composer: Composer = current_app.extensions[COMPOSERS][row.verb]
            return composer(row, now)
        if row.incident_id is None:
            return _list(row, now)
        return _with_surroundings(_of_incident(row, row.payload, now), row, now)


def headline(payload: Mapping[str, Any], verb: Verb) -> str:
    """What is wrong in one line: "API is slow: 2 s, above 1 s", and how it went on."""
    title, wrong = payload["title"], in_words(payload.get("why") or "")
    line = f"{title}: {wrong}" if wrong else title
    if payload.get("state") == "resolved":
        after = _lasted(payload)
        if payload.get("unheard"):
            return f"{line}; it began and recovered within {after}, before this message could go"
        return f"{title}: recovered after {after}"
    if verb is Verb.ACKNOWLEDGE:
        return f"{line}; someone is on it"
    if verb is Verb.ESCALATE:
        return f"{line}; nobody has acknowledged it"
    return line


def in_words(why: str) -> str:
    """A reason of an evaluation as a person says it: "2 s > 1 s (critical)" is "2 s, above 1 s"."""
    words = why.replace(" (critical)", "").replace(" (warning)", "").split(" ")
    place = next((place for place, word in enumerate(words) if word in ABOVE), None)
    if not place:
        return why
    number, level = " ".join(words[:place]), " ".join(words[place + 1 :])
    return f"{number}, {ABOVE[words[place]]} {level}"


def _of_incident(row: OutboxMessage, payload: Mapping[str, Any], now: datetime) -> Message:
    subject = _subject(row.incident_id or 0)
    incident, resolved_at = subject.incident, payload.get("resolved_at")
    since = datetime.fromisoformat(payload["opened_at"])
    until = datetime.fromisoformat(resolved_at) if resolved_at else None
    return Message(
        key=key_of(row, subject.organization),
        thread=thread_of(subject.organization, incident.id),
        verb=row.verb,
        at=datetime.fromisoformat(payload["at"]),
        title=payload["title"],
        headline=headline(payload, row.verb),
        severity=payload["severity"],
        level=_level(payload["level"]),
        state=payload["state"],
        organization=subject.organization.name,
        project=subject.project.name,
        since=since,
        until=until,
        facts=list(_facts(payload)),
        evidence=_evidence(subject, since, until or now),
        incident_url=_url("alerting.incident", **subject.home, incident_id=incident.id),
        why=_why(row, payload),
        delayed_minutes=_delay(row, payload, now),
        settings_url=_settings_url(row, subject.organization),
        tags=payload.get("tags") or [],
        zone=clocks.zone_name(),
    )


def _with_surroundings(message: Message, row: OutboxMessage, now: datetime) -> Message:
    """The message with its picture, whom it hits, and what changed before."""
    subject = _subject(row.incident_id or 0)
    rule, incident = subject.rule, subject.incident
    document = queries.document_then(rule, incident.rule_version) if rule else None
    definition = Definition.of(document) if document else None
    around = surroundings(subject.project, incident, rule, definition, now)
    return replace(
        message,
        picture=around.picture,
        hits=around.hits,
        changes=around.changes,
        facts=[*message.facts, *around.missing],
    )


def _list(row: OutboxMessage, now: datetime) -> Message:
    """A message that lists the incidents of others, the worst first."""
    own = select(OutboxMessage).where(OutboxMessage.merged_into_id == _first_list(row).id)
    latest: dict[int, OutboxMessage] = {}
    for merged in db.session.scalars(own.order_by(OutboxMessage.id)):
        if merged.incident_id is not None:
            latest[merged.incident_id] = merged
    ranked = sorted(latest.values(), key=_urgency, reverse=True)
    entries = [_of_incident(entry, entry.payload, now) for entry in ranked[:MOST_LISTED]]
    organization = db.session.get_one(Organization, row.organization_id)
    first = entries[0] if entries else None
    more = len(ranked) - len(entries)
    open_ = sum(entry.payload["state"] != "resolved" for entry in ranked)
    line = f"{plural(len(ranked), 'incident')}: {open_} open, {len(ranked) - open_} recovered"
    return Message(
        key=key_of(row, organization),
        thread=key_of(row, organization),
        verb=Verb.DIGEST,
        at=now,
        title="Several incidents" if row.payload.get("storm") else "Incidents of little urgency",
        headline=f"{line}. The worst: {first.headline}" if first else line,
        severity=max((e.severity for e in entries), key=_SEVERITIES.index, default="low"),
        level=first.level if first else "warning",
        state="open" if open_ else "resolved",
        organization=organization.name,
        settings_url=_settings_url(row, organization),
        facts=[Fact("More", f"{plural(more, 'more incident')}")] if more else [],
        incident_url=_all_incidents(ranked[0]) if ranked else "",
        why=_why(row, row.payload),
        delayed_minutes=_delay(row, row.payload, now),
        entries=entries,
    )


_SEVERITIES = ("low", "medium", "high")


def _first_list(row: OutboxMessage) -> OutboxMessage:
    """The list that a fallback's copy repeats."""
    while row.fallback_of_id is not None:
        former = db.session.get(OutboxMessage, row.fallback_of_id)
        if former is None:
            break
        row = former
    return row


def _urgency(row: OutboxMessage) -> tuple[bool, int, int, int]:
    payload = row.payload
    is_open = payload["state"] != "resolved"
    severity = _SEVERITIES.index(payload["severity"])
    return is_open, severity, RANK.get(payload["level"], 0), -row.id


def _subject(incident_id: int) -> About:
    own = (
        select(Incident, Project, Organization)
        .join(
            Project,
            (Project.id == Incident.project_id)
            & (Project.organization_id == Incident.organization_id),
        )
        .join(Organization, Organization.id == Incident.organization_id)
        .where(Incident.id == incident_id)
    )
    incident, project, organization = db.session.execute(own).one()
    rule = db.session.get(Rule, incident.rule_id) if incident.rule_id is not None else None
    return About(incident, project, organization, rule)


def _facts(payload: Mapping[str, Any]) -> Iterator[Fact]:
    by = payload.get("by")
    person = db.session.get(User, by) if by is not None else None
    name = person.name or person.email if person else payload.get("script")
    labels = {"acknowledged": "Acknowledged by", "resolved": "Resolved by"}
    label = labels.get(payload.get("verb", ""))
    if label and name:
        yield Fact(label, name)
    if payload.get("state") == "resolved" and payload.get("why"):
        yield Fact("What was wrong", in_words(payload["why"]))


def _evidence(subject: About, since: datetime, until: datetime) -> Button | None:
    """The page with the rows behind the number, around the incident."""
    if subject.rule is None or subject.rule.kind != "threshold":
        return None
    span = since - AROUND, min(until, since + timedelta(hours=6))
    request.view_args = dict(subject.home)  # from where links know their project
    lead = rows_behind(subject.rule.definition, subject.incident.value, *span)
    return _button(lead) if lead else None


def _button(lead: Lead) -> Button:
    # Its path begins with that of the console, if PHAROS_URL has one.
    return Button(lead.text, urljoin(console_url(), lead.url))


def _why(row: OutboxMessage, payload: Mapping[str, Any]) -> str:
    """Why this receiver gets it."""
    if row.fallback_of_id is not None:
        former = db.session.get(OutboxMessage, row.fallback_of_id)
        channel = former and former.channel_id and db.session.get(Channel, former.channel_id)
        name = f"The channel {channel.name}" if channel else "Another way to reach people"
        return f"{name} did not deliver it, so it comes to you."
    because = payload.get("because")
    if not because:
        return "You were notified of this incident before." if row.incident_id else ""
    step = f"Step {because['step'] + 1} of the policy {because['policy']}"
    return (
        f"{step}, repeated {plural(because['round'], 'time')}." if because["round"] else f"{step}."
    )


def _delay(row: OutboxMessage, payload: Mapping[str, Any], now: datetime) -> int:
    """Minutes that a message comes late: the events were noticed late, or it waited."""
    planned = payload.get("planned_at")
    begin = max(owed_at(row), datetime.fromisoformat(planned)) if planned else owed_at(row)
    late = timedelta(seconds=payload.get("delayed_seconds", 0)) + max(now - begin, timedelta(0))
    return int(late.total_seconds() // 60)


def _settings_url(row: OutboxMessage, organization: Organization) -> str:
    """Where a person chooses what is sent to them, or a channel is set up."""
    endpoint = "notifications.notifications" if row.user_id is not None else "channels.channels"
    return _url(endpoint, organization=organization.slug)


def _level(level: str) -> str:
    return level if level in RANK else State.WARNING.value


def _lasted(payload: Mapping[str, Any]) -> str:
    since, until = payload["opened_at"], payload.get("resolved_at") or payload["at"]
    return duration(datetime.fromisoformat(until) - datetime.fromisoformat(since))


def _all_incidents(row: OutboxMessage) -> str:
    return _url("alerting.incidents", **_subject(row.incident_id or 0).home)


def _url(endpoint: str, **values: Any) -> str:
    return url_for(endpoint, _external=True, **values)
