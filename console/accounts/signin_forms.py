"""What people fill in to sign in, and about how they sign in."""

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired

from console.accounts.forms import address, email_field, name_field, new_password_field, refuse_weak
from console.web.forms import at_most

CODE = 40  # letters at most; a recovery code has 19
CREDENTIAL = 20_000  # letters at most; a device's answer has some 1,000


def present_password_field() -> PasswordField:
    """Return a field for the password of who is signed in."""
    return PasswordField(
        "Current password",
        [InputRequired("Write your current password.")],
        render_kw={"autocomplete": "current-password"},
    )


def code_field(label: str) -> StringField:
    """Return a field for the six digits of an authenticator app."""
    return StringField(
        label,
        [DataRequired("Write the code that your app shows."), at_most(CODE)],
        description="Six digits, a new one every half minute.",
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": CODE},
    )


class LoginForm(FlaskForm):
    """Who wants in, and where to."""

    email = EmailField(
        "E-mail",
        [DataRequired("Write your e-mail address.")],
        filters=[address],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Write your password.")],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


class CodeForm(FlaskForm):
    """The second step of a sign-in: a code of the app."""

    code = code_field("Code of your authenticator app")


class RecoveryForm(FlaskForm):
    """The second step without the app."""

    code = StringField(
        "Recovery code",
        [DataRequired("Write one of your recovery codes."), at_most(CODE)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class ForgottenForm(FlaskForm):
    """Whose password is to be set anew."""

    email = email_field(render_kw={"autocomplete": "username"})


class ResetForm(FlaskForm):
    """Another password; `about` is the person's address and name."""

    password = new_password_field("New password")

    def __init__(self, *about: str) -> None:
        self.about = about
        super().__init__()

    def validate_password(self, field: PasswordField) -> None:
        refuse_weak(field, *self.about)


class PasswordForm(ResetForm):
    """A change of password."""

    current = present_password_field()


class EnrolmentForm(FlaskForm):
    """The password again, before two-factor sign-in is set up."""

    current = present_password_field()
    next = HiddenField()


class ConfirmationForm(FlaskForm):
    """A first code, which shows that the app has the secret."""

    code = code_field("Code that the app shows")
    next = HiddenField()


class ProofForm(FlaskForm):
    """Both factors again, before a change to the second one."""

    current = present_password_field()
    code = StringField(
        "Code",
        [DataRequired("Write a code of your app, or a recovery code."), at_most(CODE)],
        description="Of your app, or a recovery code.",
        render_kw={"autocomplete": "one-time-code"},
    )


class LinkForm(FlaskForm):
    """The password of an account that a provider is to sign in to from now on."""

    password = PasswordField(
        "Password",
        [InputRequired("Write the account's password.")],
        render_kw={"autocomplete": "current-password"},
    )


def credential_field() -> HiddenField:
    """Return the field that a script puts a device's answer in, as JSON."""
    words = "Your browser sent no passkey. It takes JavaScript, and a browser that knows passkeys."
    return HiddenField(validators=[DataRequired(words), at_most(CREDENTIAL)])


class PasskeyProofForm(FlaskForm):
    """The password again, before a passkey is added."""

    current = present_password_field()


class PasskeyForm(FlaskForm):
    """A new passkey: what the person calls it, and what their device made."""

    name = name_field("Name", description="Of the device, or of the password manager.")
    credential = credential_field()


class PasskeyLoginForm(FlaskForm):
    """What a device signed to let its person in, and where to."""

    credential = credential_field()
    next = HiddenField()
