"""What people and scripts say of a link to a dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from wtforms import Form, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import TextArea

from console.accounts import passwords
from console.core import clock
from console.dashboards import embeds
from console.dashboards.document import Document
from console.dashboards.links import Terms
from console.dashboards.links_models import LONGEST_NAME, ShareLink
from console.web import clocks
from console.web.choices import choices
from console.web.forms import ListField, LocalMoment, SwitchField, ValuesByName, at_most, plain
from console.web.timerange import LONGEST_ENVIRONMENT, RANGE_LABELS

OPENS_FOR = timedelta(days=90)
THEMES = {"": "As the reader's system", "light": "Light", "dark": "Dark"}


class Origins(ListField):
    """Origins of sites: one per line of a form, or a list."""

    widget: Any = TextArea()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take each origin once, without the slash that people copy along."""
        texts = " ".join(valuelist).lower().replace(",", " ").split()
        self.data = list(dict.fromkeys(text.removesuffix("/") for text in texts))

    def _value(self) -> str:
        return "\n".join(self.data or ())


class SignedTokenForm(Form):
    """A token that a site has signed, to be checked."""

    token = TextAreaField(
        "A token of yours",
        [InputRequired("Paste a token, or the address with it.")],
        description="Or the address of the frame. Here you see why it opens nothing.",
    )

    @property
    def bare_token(self) -> str:
        """What is pasted, without the address around it."""
        return (self.token.data or "").strip().rpartition("/")[2].partition("?")[0]


class ShareLinkForm(Form):
    """A link to a dashboard; `about` says to which one."""

    name = StringField(
        "Name",
        [InputRequired("Say whom it is for."), Length(max=LONGEST_NAME, message="Too long.")],
        filters=[plain],
        description="Whom it is for. Outsiders do not see it.",
    )
    expires_at = LocalMoment(
        "Works until", description="Leave empty for a link that works until someone revokes it."
    )
    password = PasswordField(
        "Password",
        description=f"At least {passwords.SHORTEST} characters."
        " Leave empty to ask for no password.",
        render_kw={"autocomplete": "new-password"},
    )
    without_password = SwitchField("Remove the password")
    range = SelectField(
        "Time range",
        choices=choices([("", "That of the dashboard"), *RANGE_LABELS.items()]),
        default="",
    )
    is_range_open = SwitchField("The reader may choose another time range")
    environment = StringField(
        "Environment",
        [at_most(LONGEST_ENVIRONMENT)],
        filters=[plain],
        description="Leave empty for all environments.",
    )
    locked = ValuesByName("Locked variables")
    opened = ListField("Open variables")
    has_markers = SwitchField("Charts name releases, incidents and notes")
    theme = SelectField("Colours", choices=choices(THEMES.items()), default="")
    zone = StringField("Time zone", [at_most(clocks.LONGEST)], filters=[plain])
    origins = Origins(
        "Sites that may embed it",
        description="One origin per line, such as https://intranet.example.com or"
        " https://*.example.com. Empty: none may.",
    )

    @classmethod
    def blank(cls, document: Document) -> Self:
        """The form of a new link."""
        until = clock.now() + OPENS_FOR
        return cls(data={"expires_at": until, "zone": clocks.zone_name()}).about(document)

    @classmethod
    def of(cls, link: ShareLink, document: Document) -> Self:
        """The form of a link that there is."""
        columns = [
            *("name", "expires_at", "range", "is_range_open", "environment", "opened"),
            *("has_markers", "theme", "zone", "origins"),
        ]
        given: dict[str, Any] = {name: getattr(link, name) for name in columns}
        given["locked"] = {name: [str(value)] for name, value in link.locked.items()}
        return cls(data=given).about(document)

    def about(self, document: Document) -> Self:
        """Offer the variables of a dashboard."""
        self.variables = {own.name: own for own in document.variables}
        return self

    def validate_expires_at(self, field: LocalMoment) -> None:
        if field.data and field.data <= clock.now():
            raise ValidationError("This moment is over.")

    def validate_password(self, field: PasswordField) -> None:
        weak = passwords.weakness(field.data, self.name.data or "") if field.data else ""
        if weak:
            raise ValidationError(weak)

    def validate_zone(self, field: StringField) -> None:
        if field.data and not clocks.is_zone(field.data):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_locked(self, field: ValuesByName) -> None:
        for name, values in field.data.items():
            if name not in self.variables:
                raise ValidationError(f"The dashboard has no variable {name[:40]}.")
            if name in (self.opened.data or ()):
                raise ValidationError(f"{name} is either locked to a value, or open.")
            if len(values[0]) > embeds.LONGEST_VALUE:
                raise ValidationError(f"At most {embeds.LONGEST_VALUE} characters.")

    def validate_opened(self, field: ListField) -> None:
        if strange := [name for name in field.data if name not in self.variables]:
            raise ValidationError(f"The dashboard has no variable {strange[0][:40]}.")

    def validate_origins(self, field: Origins) -> None:
        if len(field.data) > embeds.MOST_ORIGINS:
            raise ValidationError(f"At most {embeds.MOST_ORIGINS} sites.")
        if wrong := [text for text in field.data if not embeds.is_origin(text)]:
            message = f"“{wrong[0][:60]}” is not an origin: write https:// and the host, no path."
            raise ValidationError(message)

    def locked_to(self, name: str) -> str:
        """The value that a variable is locked to, "" for none."""
        values = self.locked.data.get(name) or [""]
        return str(values[0])

    @property
    def terms(self) -> Terms:
        """What a valid form says."""
        return Terms(
            name=self.name.data or "",
            expires_at=self.expires_at.data,
            locked={name: values[0] for name, values in self.locked.data.items()},
            opened=list(dict.fromkeys(self.opened.data or ())),
            range=self.range.data or "",
            is_range_open=self.is_range_open.data,
            environment=self.environment.data or "",
            has_markers=self.has_markers.data,
            theme=self.theme.data or "",
            zone=self.zone.data or "UTC",
            origins=self.origins.data or [],
        )

    @property
    def new_password(self) -> str | None:
        """The password of a valid form: "" for none from now on, None to keep the present one."""
        if self.without_password.data:
            return ""
        return self.password.data or None
