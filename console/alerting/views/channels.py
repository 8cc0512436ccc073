"""The channels of an organization: their list, the page of one, its form, and a test message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, request, url_for

from console.accounts.access import organization_view
from console.accounts.models import Organization
from console.alerting.channel_forms import ChannelForm, form_of, values_of
from console.alerting.delivery import channels as domain
from console.alerting.delivery import preferences, trying
from console.alerting.delivery.models import Channel
from console.alerting.delivery.trying import Trial
from console.alerting.escalation.models import Policy
from console.alerting.escalation.uses import channel_uses
from console.channels.kinds import Kind
from console.channels.registry import KINDS
from console.channels.way import way
from console.core.db import begin_to_write, db, reading_first
from console.web.htmx import go_to, page_or_part, polled_part
from console.web.nav import TabItem, stay_in_project, tab_entry

bp = Blueprint("channels", __name__, url_prefix="/<slug:organization>/settings/channels")
stay_in_project(bp)
tab_entry(bp, TabItem("Channels", "channels.channels", "organization", 24))


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """A channel as the list shows it."""

    channel: Channel
    kind: Kind | None
    """None for a kind that this console no longer has."""
    policies: Sequence[Policy]
    fallback: str

    @property
    def health(self) -> tuple[str, str]:
        """Whether it works, as a word and its tone."""
        if not self.channel.enabled:
            return "Off", "mute"
        if self.channel.failing_since is not None:
            return "Failing", "bad"
        return ("Works", "good") if self.channel.last_sent_at else ("Never tried", "mute")


@dataclass(frozen=True, slots=True)
class ListedChannels:
    """The list, and what else its reader should know."""

    rows: Sequence[ListedChannel]
    kinds: Sequence[tuple[Kind, str]]
    """All kinds, and why no channel of one can be made."""
    mails: bool
    """Whether the console has a mail server."""
    unsubscribed: Sequence[str]
    """Owners who get no mails."""
    owners: int


@dataclass(frozen=True, slots=True)
class ChannelDetails:
    """A channel with its form."""

    row: ListedChannel
    form: ChannelForm
    hook_url: str
    relying: Sequence[str]
    """The channels whose messages it gets when they fail."""
    trial: Trial | None = None

    @property
    def warning(self) -> str:
        """What deleting it takes away."""
        uses = [f"the policy “{policy.name}”" for policy in self.row.policies]
        uses += [f"the channel “{name}”, when it fails" for name in self.relying]
        used = f" It is used by {', '.join(uses)}." if uses else ""
        return f"Delete the channel “{self.row.channel.name}”?{used} Its secrets are forgotten."


@bp.get("/")
@organization_view("viewer")
def channels(organization: Organization) -> Response:
    del organization  # the page's shell has it
    rows = _rows(domain.channels())
    gone, owners = preferences.owners_without_mail()
    kinds = [(kind, kind.obstacle(way())) for kind in KINDS.values()]
    listed = ListedChannels(rows, kinds, bool(way().smtp_url), gone, owners)
    return polled_part("alerting/channels.html", "alerting/_channels.html", listed=listed)


@bp.get("/new/<kind>")
@organization_view("admin")
def new(organization: Organization, kind: str) -> Response:
    del organization
    chosen = _kind(kind)
    start = chosen.examples.get(request.args.get("example", ""), {})
    form = form_of(chosen)(data={"settings": dict(start)} if start else None)
    return _form_page(chosen, form.about(chosen, None, domain.channels()))


@bp.post("/new/<kind>")
@organization_view("admin")
def create(organization: Organization, kind: str) -> Response:
    del organization
    chosen = _kind(kind)
    form = form_of(chosen)(request.form).about(chosen, None, domain.channels())
    obstacle = chosen.obstacle(way())
    if obstacle or len(domain.channels()) >= domain.MOST:
        form.form_errors.append(obstacle or domain.FULL)
        return _form_page(chosen, form, status=422)
    if not form.passes(way()):
        return _form_page(chosen, form, status=422)
    channel = domain.create(
        chosen,
        form.name.data or "",
        form.values,
        fallback_id=form.chosen_fallback,
        enabled=bool(form.enabled.data),
    )
    db.session.commit()
    return go_to(_url(channel))


@bp.get("/<id:channel_id>")
@organization_view("viewer")
def channel(organization: Organization, channel_id: int) -> Response:
    del organization
    details = _details(domain.channel_or_404(channel_id))
    return page_or_part("alerting/channel.html", "alerting/_channel.html", details=details)


@bp.post("/<id:channel_id>/settings")
@organization_view("admin")
def change(organization: Organization, channel_id: int) -> Response:
    del organization
    channel_ = domain.channel_or_404(channel_id)
    kind = _kind(channel_.kind)
    form = form_of(kind)(request.form).about(kind, channel_, domain.channels())
    if not form.passes(way(), channel=channel_):
        details = _details(channel_, form)
        part = "alerting/_channel.html"
        return page_or_part("alerting/channel.html", part, status=422, details=details)
    domain.change(
        channel_,
        kind,
        form.name.data or "",
        form.values,
        removed=form.dropped,
        fallback_id=form.chosen_fallback,
        enabled=bool(form.enabled.data),
    )
    db.session.commit()
    return go_to(_url(channel_))


@bp.post("/<id:channel_id>/test")
@organization_view("member")
@reading_first
def test(organization: Organization, channel_id: int) -> Response:
    """Send a test message, and show what was answered."""
    del organization
    channel_ = domain.channel_or_404(channel_id)
    try:
        trial = trying.try_out(channel_, _kind(channel_.kind), way())
    except trying.Busy as busy:
        abort(429, str(busy))
    begin_to_write()
    channel_ = domain.channel_or_404(channel_id)
    trying.note(channel_, trial)
    db.session.commit()
    details = _details(channel_, trial=trial)
    return page_or_part("alerting/channel.html", "alerting/_channel.html", details=details)


@bp.post("/<id:channel_id>/deletion")
@organization_view("admin")
def delete(organization: Organization, channel_id: int) -> Response:
    domain.delete(domain.channel_or_404(channel_id))
    db.session.commit()
    return go_to(url_for("channels.channels", organization=organization.slug))


@bp.post("/preview/<kind>")
@organization_view("admin")
@reading_first
def preview(organization: Organization, kind: str) -> Response:
    """What a channel would send with the settings as they stand in the form."""
    del organization
    chosen = _kind(kind)
    form = form_of(chosen)(request.form).about(chosen, None, domain.channels())
    named: dict[str, Any] = {"shown": form.preview or abort(404), "kind": chosen}
    return page_or_part("alerting/channel_preview.html", "alerting/_channel_preview.html", **named)


def _form_page(kind: Kind, form: ChannelForm, *, status: int = 200) -> Response:
    named: dict[str, Any] = {"form": form, "kind": kind, "obstacle": kind.obstacle(way())}
    part = "alerting/_new_channel.html"
    return page_or_part("alerting/new_channel.html", part, status=status, **named)


def _details(
    channel_: Channel, form: ChannelForm | None = None, trial: Trial | None = None
) -> ChannelDetails:
    kind, known = _kind(channel_.kind), domain.channels()
    shown = form or form_of(kind)(data=values_of(channel_)).about(kind, channel_, known)
    return ChannelDetails(
        row=_rows([channel_])[0],
        form=shown,
        hook_url=domain.hook_url(channel_, kind.hook) if kind.hook else "",
        relying=[choice.name for choice in known if choice.fallback_id == channel_.id],
        trial=trial,
    )


def _rows(shown: Sequence[Channel]) -> list[ListedChannel]:
    names = {channel.id: channel.name for channel in domain.channels()}
    uses = channel_uses()
    return [
        ListedChannel(
            channel=row,
            kind=KINDS.get(row.kind),
            policies=uses.get(row.id, []),
            fallback=names.get(row.fallback_id or 0, ""),
        )
        for row in shown
    ]


def _kind(name: str) -> Kind:
    return KINDS.get(name) or abort(404)


def _url(channel_: Channel) -> str:
    return url_for("channels.channel", channel_id=channel_.id)
