"""Clients of a console in the tests' own process: htmx in a browser, and scripts with a token."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from console.accounts import projects
from console.accounts.models import Project
from console.core.db import db
from tests.support.factories import inside

# The header by which the console knows that a part of a page is enough.
HTMX = {"HX-Request": "true"}


def bearer(token: str) -> dict[str, str]:
    """Return the header that presents an API token."""
    return {"Authorization": f"Bearer {token}"}


def make_token(app: Flask, project: Project, *permissions: str, **fields: Any) -> str:
    """Return a new API token of the project; `fields` are columns, such as `expires_at`."""
    with inside(app, project):
        here = db.session.get_one(Project, project.id)
        row, token = projects.create_token(here, "ci", permissions)
        for name, value in fields.items():
            setattr(row, name, value)
        db.session.commit()
        return token


def script(app: Flask, token: str) -> FlaskClient:
    """A script that presents this token with every request, and keeps no cookie."""
    client = app.test_client(use_cookies=False)
    client.environ_base |= {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return client
