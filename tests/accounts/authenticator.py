"""An authenticator app, and a browser that sets two-factor sign-in up with it."""

from dataclasses import dataclass

from flask.testing import FlaskClient
from pyotp import TOTP

from console.core import clock
from tests.accounts.reading import found
from tests.support.factories import PASSWORD

PAGE = "/account/two-factor"


@dataclass
class App:
    """An authenticator app, and the recovery codes that came with its secret."""

    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        return TOTP(self.secret).at(clock.now(), counter_offset=steps)


def begin(client: FlaskClient, **fields: str) -> str:
    """Prove the password and return the secret that is shown."""
    form = {"current": PASSWORD, **fields}
    assert client.post(f"{PAGE}/enrolment", data=form).status_code == 303
    return found(r"<code>([A-Z2-7]{32})</code>", client.get(PAGE).text)


def set_up(client: FlaskClient) -> App:
    app = App(begin(client), [])
    page = client.post(f"{PAGE}/confirmation", data={"code": app.code()}).text
    app.recovery_codes = codes_on(page)
    return app


def codes_on(page: str) -> list[str]:
    return found(r"<code>([a-z2-7\n-]+)</code>", page).split("\n")
