"""What people and scripts say of a channel: the form of a kind is made of the kind's fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, cast

import wtforms
from wtforms import Form, FormField, StringField
from wtforms.validators import DataRequired
from wtforms.widgets import NumberInput, PasswordInput

from console.alerting.delivery import channels as domain
from console.alerting.delivery.models import Channel
from console.channels.kinds import Field, Kind, NotDelivered, Way
from console.channels.way import way
from console.web.choices import choices
from console.web.forms import ListField, OpenSelect, SwitchField, at_most, mark, plain

SHORT, LONG = 3, 10
"""Lines of a text field for a few secrets, and for a template."""


@dataclass(frozen=True, slots=True)
class BodyPreview:
    """What a draft of a channel would send."""

    text: str = ""
    fault: str = ""


class ChannelForm(Form):
    """A channel's name, whether it is used, and who gets what it does not deliver."""

    name = StringField(
        "Name",
        [DataRequired("Give it a name, such as #ops."), at_most(domain.LONGEST_NAME)],
        filters=[plain],
    )
    fallback = OpenSelect(
        "If it fails",
        "The owners get mail",
        closed=True,
        description="Who gets a message that this channel does not deliver.",
    )
    enabled = SwitchField(
        "Use it", default=True, description="A channel that is off is passed by every policy."
    )
    removed = ListField("Remove")
    """Secrets that are forgotten; an empty field keeps its secret."""
    kind: Kind
    channel: Channel | None
    kept: Mapping[str, str]

    def about(self, kind: Kind, channel: Channel | None, known: Iterable[Channel]) -> Self:
        """Offer the channels that can take its place, and the secrets that it has."""
        self.kind, self.channel = kind, channel
        self.kept = domain.secrets_of(channel) if channel else {}
        self.fallback.offer(
            (str(choice.id), choice.name) for choice in known if choice is not channel
        )
        for field, shown in self.fields:
            if field.required and field.is_secret:  # an empty field keeps what is set
                shown.flags.required = True
                shown.render_kw = {**(shown.render_kw or {}), "required": not self.is_set(field)}
        return self

    @property
    def fields(self) -> Sequence[tuple[Field, wtforms.Field]]:
        """The kind's fields, each as it is declared and as it is shown."""
        own = self._own
        return [(field, own[field.name]) for field in self.kind.fields]

    @property
    def values(self) -> dict[str, str]:
        """What was entered, by field."""
        entered = ((field.name, shown.data or "") for field, shown in self.fields)
        return {name: text.replace("\r\n", "\n").strip() for name, text in entered}

    @property
    def chosen_fallback(self) -> int | None:
        """The channel that takes its place; None for the owners' mail."""
        return int(self.fallback.data) if self.fallback.data else None

    @property
    def removable(self) -> Sequence[Field]:
        """The secrets that are set, and that the channel can do without."""
        return [field for field in self.kind.fields if self.is_set(field) and not field.required]

    @property
    def is_new(self) -> bool:
        """Whether the channel is yet to be made."""
        return self.channel is None

    @property
    def takes_secrets(self) -> bool:
        """Whether any of its fields may name a variable of the environment instead."""
        return any(field.is_secret for field in self.kind.fields)

    def is_set(self, field: Field) -> bool:
        """Whether a secret is there already."""
        return field.is_secret and bool(self.kept.get(field.name))

    def passes(self, way: Way, *, channel: Channel | None = None) -> bool:
        """Whether it is valid, and the kind takes its settings; marks each field that is wrong."""
        self.validate()
        if not self.name.errors and domain.is_taken(self.name.data or "", but=channel):
            mark(self, "name", "Another channel has this name.")
        if channel and not self.fallback.errors and self._leads_back_to(channel):
            mark(self, "fallback", "It would lead back to this channel.")
        kept = {name: text for name, text in self.kept.items() if name not in self.dropped}
        for name, sentence in domain.faults(self.kind, self.values, way, kept=kept).items():
            mark(cast("Form", self._own), name, sentence)
        return not any(self.errors.values())

    @property
    def preview(self) -> BodyPreview | None:
        """What would be sent with these settings; None for a kind that needs no preview."""
        if self.kind.preview is None:
            return None
        try:
            return BodyPreview(self.kind.preview(self.values, way()))
        except NotDelivered as failure:
            return BodyPreview(fault=str(failure))

    @property
    def dropped(self) -> Collection[str]:
        """The secrets that are removed."""
        return {field.name for field in self.removable} & set(self.removed.data or ())

    def _leads_back_to(self, channel: Channel) -> bool:
        return _leads_back(channel, self.chosen_fallback, self._known)

    @property
    def _known(self) -> Mapping[int, Channel]:
        return {channel.id: channel for channel in domain.channels()}

    @property
    def _own(self) -> Any:
        return cast("FormField[Any]", self["settings"]).form


@cache
def form_of(kind: Kind) -> type[ChannelForm]:
    """The form of a kind of channel."""
    own = {field.name: _field(field) for field in kind.fields}
    settings = type("SettingsForm", (Form,), own)
    return type("KindForm", (ChannelForm,), {"settings": FormField(settings, separator=".")})


def values_of(channel: Channel) -> dict[str, Any]:
    """What a form shows of a channel: no secret."""
    return {
        "name": channel.name,
        "fallback": str(channel.fallback_id or ""),
        "enabled": channel.enabled,
        "settings": channel.settings,
    }


def _field(field: Field) -> wtforms.Field:
    if field.choices:
        return wtforms.SelectField(
            field.label,
            choices=choices(field.choices),
            default=field.default,
            description=field.help,
            validate_choice=False,
        )
    is_area = field.input == "area"
    given: dict[str, Any] = {}
    if field.input == "number":
        given["widget"] = NumberInput()
    elif field.is_secret and not is_area:
        given["widget"] = PasswordInput(hide_value=False)
    rows = {"rows": SHORT if field.is_secret else LONG} if is_area else {}
    return (wtforms.TextAreaField if is_area else StringField)(
        field.label,
        [wtforms.validators.InputRequired(f"Fill in {field.label[:1].lower()}{field.label[1:]}.")]
        if _must_be_entered(field)
        else [],
        default=field.default,
        description=field.help,
        render_kw={"autocomplete": "off", "spellcheck": "false", **rows},
        **given,
    )


def _must_be_entered(field: Field) -> bool:
    """Whether the browser may demand it; an empty field keeps a secret."""
    return field.required and not field.is_secret


def _leads_back(channel: Channel, fallback_id: int | None, known: Mapping[int, Channel]) -> bool:
    """Whether a channel would take its own place, by whatever number of steps."""
    seen: set[int] = set()
    while fallback_id is not None and fallback_id not in seen and fallback_id != channel.id:
        seen.add(fallback_id)
        follower = known.get(fallback_id)
        fallback_id = follower.fallback_id if follower else None
    return fallback_id == channel.id
