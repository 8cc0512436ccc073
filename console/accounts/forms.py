"""What people fill in about themselves, their organizations and projects."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.validators import ValidationError as Invalid
from wtforms.widgets import CheckboxInput, ListWidget

from console.accounts import passwords, repositories
from console.accounts.access import PERMISSIONS
from console.accounts.models import MOST_OF_THRESHOLDS, Role
from console.accounts.platforms import PLATFORMS
from console.core.urls import split_url
from console.web import clocks
from console.web.choices import choices
from console.web.forms import IntegerField, NumberField, at_most

ROLES = [
    (Role.VIEWER, "Viewer: sees everything, changes nothing"),
    (Role.MEMBER, "Member: works on issues"),
    (Role.ADMIN, "Admin: also people, projects, keys"),
    (Role.OWNER, "Owner: also other owners"),
]
GRACES = {"0": "at once", "1": "after an hour", "24": "after a day", "168": "after a week"}
EXPIRIES = {"30": "in 30 days", "90": "in 90 days", "365": "in a year", "": "never"}
MOST_ORIGINS = 50


def plain(text: str | None) -> str:
    """Without white space around it, and with single spaces within."""
    return " ".join((text or "").split())


def address(text: str | None) -> str:
    """An e-mail address as it is stored and compared: lower case."""
    return (text or "").strip().lower()


def text(field: Field) -> str:
    """What was written in a line of text."""
    return str(field.data or "")


def name_field(label: str, **kwargs: Any) -> StringField:
    """Return a required line of at most 100 characters, which a terminal can show too."""
    checks = [
        DataRequired("Give it a name."),
        Length(max=100, message="Use at most 100 letters."),
        Regexp(r"[^\x00-\x1f\x7f-\x9f]*$", message="Leave control characters out."),
    ]
    return StringField(label, checks, filters=[plain], **kwargs)


def email_field(**kwargs: Any) -> EmailField:
    """Return a field for an address; any host is good: a console may stand in a closed net."""
    shape = Regexp(r"^[^@\s]+@[^@\s]+$", message="Write it as name@example.com.")
    checks = [DataRequired("An e-mail address is needed."), at_most(254), shape]
    return EmailField("E-mail", checks, filters=[address], **kwargs)


def new_password_field(label: str) -> PasswordField:
    """Return a field for a password that is to be set."""
    return PasswordField(
        label,
        [InputRequired("Choose a password.")],
        description=f"At least {passwords.SHORTEST} characters.",
        render_kw={"autocomplete": "new-password", "minlength": passwords.SHORTEST},
    )


class SetupForm(FlaskForm):
    """The first person, organization and project of a fresh console."""

    name = name_field("Your name", render_kw={"autocomplete": "name"})
    email = email_field(render_kw={"autocomplete": "username"})
    password = new_password_field("Password")
    organization = name_field("Organization", description="The company or team that owns the data.")
    project = name_field("First project", description="What you want to watch, such as “Shop”.")
    platform = SelectField("Platform", choices=choices(PLATFORMS.items()), default="python")

    def validate_password(self, field: PasswordField) -> None:
        refuse_weak(field, self.email.data or "", self.name.data or "")


class RequirementForm(FlaskForm):
    """Whether an organization's members need a second factor."""

    required = BooleanField("Members need two-factor sign-in to see this organization")


class JoinForm(FlaskForm):
    """A new person who accepts an invitation; `about` is the address that was invited."""

    name = name_field("Your name", render_kw={"autocomplete": "name"})
    password = new_password_field("Password")

    def __init__(self, about: str) -> None:
        self.about = about
        super().__init__()

    def validate_password(self, field: PasswordField) -> None:
        refuse_weak(field, self.about, self.name.data or "")


class AccountForm(FlaskForm):
    """Who gets an account by a command: what a page asks for, without the password."""

    name = name_field("Name")
    email = email_field()


class ProfileForm(FlaskForm):
    """What others see of a person, and the clock that the person sees."""

    name = name_field("Name", render_kw={"autocomplete": "name"})
    zone = SelectField("Time zone", default="")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Offer every zone of the IANA database."""
        super().__init__(*arguments, **options)
        self.zone.choices = choices(
            [("", "As the browser says"), *((n, n) for n in clocks.names())]
        )


class NameForm(FlaskForm):
    """The name of an organization or a project."""

    name = name_field("Name")


class ProjectForm(FlaskForm):
    """A new project."""

    name = name_field("Name", description="Its address is made from it, and stays.")
    platform = SelectField("Platform", choices=choices(PLATFORMS.items()), default="python")


class RepositoryForm(FlaskForm):
    """Where the lines of stack traces are read."""

    repository = TextAreaField(
        "Addresses",
        [at_most(repositories.LONGEST)],
        render_kw={"rows": 3, "spellcheck": "false"},
        description="Such as https://github.com/acme/shop, or an address with {path}, {line} and,"
        " if you like, {release} in it: https://git.example.com/shop/src/{path}#L{line}."
        " For several repositories, write one line for each beginning of paths, which the address"
        " then stands for: services/mail https://github.com/acme/mail.",
    )

    def validate_repository(self, field: StringField) -> None:
        """Keep the address with its places for path and line; nothing is no repository."""
        if not field.data:
            return
        try:
            field.data = repositories.template(field.data)
        except repositories.UnknownLayoutError as error:
            raise Invalid(str(error)) from None
        if len(field.data) > repositories.LONGEST:
            raise Invalid(f"At most {repositories.LONGEST} characters, with path and line.")


class DeletionForm(FlaskForm):
    """A deletion that cannot be undone: the name must be typed."""

    confirmation = StringField(
        "Type the name of the project", [DataRequired("Type the name.")], filters=[plain]
    )

    def __init__(self, name: str) -> None:
        self.wanted = name
        super().__init__()

    def validate_confirmation(self, field: StringField) -> None:
        if field.data != self.wanted:
            raise Invalid(f"Type “{self.wanted}” to delete it.")


class InvitationForm(FlaskForm):
    """An offer of a membership."""

    email = email_field()
    role = SelectField("Role", choices=choices(ROLES), coerce=Role, default=Role.MEMBER)


class RoleForm(FlaskForm):
    """Another role for a member."""

    role = SelectField("Role", choices=choices((role, role.title()) for role in Role), coerce=Role)


class ThousandthsField(NumberField):
    """A number with a fraction, for a column that counts its thousandths."""

    def _value(self) -> str:
        if self.raw_data or self.data is None:
            return super()._value()
        return f"{self.data / 1000:g}"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it, or leave an error."""
        super().process_formdata(valuelist)
        if valuelist and self.data is not None:
            self.data = round(self.data * 1000)


def _threshold(name: str, message: str | None = None) -> NumberRange:
    return NumberRange(1, MOST_OF_THRESHOLDS[name], message)


class MonitoringForm(FlaskForm):
    """What counts as slow, and how long things are kept."""

    api_p95_ms = IntegerField(
        "API response time, P95 (ms)", [InputRequired(), _threshold("api_p95_ms")]
    )
    lcp_ms = IntegerField(
        "Largest Contentful Paint, P75 (ms)", [InputRequired(), _threshold("lcp_ms")]
    )
    inp_ms = IntegerField(
        "Interaction to Next Paint, P75 (ms)", [InputRequired(), _threshold("inp_ms")]
    )
    cls_thousandths = ThousandthsField(
        "Cumulative Layout Shift, P75",
        [InputRequired(), _threshold("cls_thousandths", "Enter a number between 0.001 and 10.")],
        description="Google calls up to 0.1 good.",
    )
    retention_days = IntegerField(
        "Keep events for (days)",
        [InputRequired(), NumberRange(1, 3650)],
        description="An issue's title, culprit, users and quotes in comments go with its last"
        " event; its counts and dates stay.",
    )
    retention_mb = IntegerField(
        "Keep at most (MB)",
        [InputRequired(), NumberRange(10, 100_000_000)],
        description="When a project grows beyond it, the oldest events go first.",
    )

    @property
    def settings(self) -> dict[str, int]:
        """The numbers by the names of their columns."""
        return {name: value for name, value in self.data.items() if name != "csrf_token"}


class KeyForm(FlaskForm):
    """An ingest key's label and limit."""

    label = StringField(
        "Label", [DataRequired("Say where the key is used."), at_most(60)], filters=[plain]
    )
    quota_per_minute = IntegerField(
        "Limit (items per minute)",
        [Optional(), NumberRange(0, 10_000_000)],
    )


class RotationForm(FlaskForm):
    """When the old key stops working."""

    grace = SelectField("The old key stops working", choices=choices(GRACES.items()), default="24")


class OriginsForm(FlaskForm):
    """The sites whose browsers may send."""

    allowed_origins = TextAreaField(
        "Allowed origins",
        description="One per line, such as https://shop.example.com or https://*.example.com."
        " Empty allows every site; servers are never asked.",
    )

    @property
    def origins(self) -> list[str]:
        return (self.allowed_origins.data or "").lower().split()

    def validate_allowed_origins(self, _field: TextAreaField) -> None:
        if len(self.origins) > MOST_ORIGINS:
            raise Invalid(f"At most {MOST_ORIGINS} origins can be listed.")
        for origin in self.origins:
            if not _is_origin(origin):
                raise Invalid(f"“{origin}” is not an origin: write scheme and host, no path.")


class TokenForm(FlaskForm):
    """A new API token."""

    label = StringField(
        "Label", [DataRequired("Say what it is for."), at_most(60)], filters=[plain]
    )
    permissions = SelectMultipleField(
        "Permissions",
        choices=choices(PERMISSIONS.items()),
        default=["issues:read", "outcomes:read", "performance:read"],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    expires = SelectField("Expires", choices=choices(EXPIRIES.items()), default="90")

    def validate_permissions(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise Invalid("Choose at least one.")


def refuse_weak(field: PasswordField, *about: str) -> None:
    """Raise the sentence that says why a password is too easy to guess."""
    why = passwords.weakness(field.data or "", *about)
    if why:
        raise Invalid(why)


def _is_origin(text: str) -> bool:
    url = split_url(text)
    known = url.scheme in {"http", "https", "capacitor", "chrome-extension", "app"}
    host = re.fullmatch(r"(\*\.)?[a-z0-9.-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", url.netloc)
    return known and host is not None and text == f"{url.scheme}://{url.netloc}"
