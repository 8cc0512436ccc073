"""A connection passes from organization to organization, and takes nothing along."""

import random
from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from console import app as console_app
from console.accounts.models import Key, Project
from console.app import create_app
from console.core.db import db
from console.core.tenancy import TenantError, enter_organization
from tests.support.factories import inside, make_project, signed_in

TURNS = 200


class OneConnection(Flask):
    """A console whose pool holds one connection, for which everybody waits."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "pool_size": 1,
            "max_overflow": 0,
            "pool_timeout": 5,
        }


@pytest.fixture
def app(monkeypatch, settings):
    monkeypatch.setattr(console_app, "Flask", OneConnection)
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_one_connection_serves_two_organizations(both_databases, app, acme, globex):
    chance = random.Random(7)
    people = {
        "acme": signed_in(app, "ada@acme.test"),
        "globex": signed_in(app, "eve@globex.test"),
    }
    projects = {"acme": acme, "globex": globex}
    for slug, project in projects.items():
        make_project(app, project.organization, f"secret-of-{slug}")
    seen: Counter[int] = Counter()
    for turn in range(TURNS):
        own, other = ("acme", "globex") if turn % 2 else ("globex", "acme")
        method, path = chance.choice(requests(own, other))
        answer = people[own].open(path, method=method, data={"label": f"key {turn}", "name": ""})
        seen[answer.status_code] += 1
        assert f"secret-of-{other}" not in answer.text, path
        assert answer.status_code == (404 if path.startswith(f"/{other}/") else answer.status_code)
        chance.choice(DISTURBANCES)(app, projects[chance.choice(["acme", "globex"])])
    print(f"{both_databases}: {TURNS} requests over one connection: {dict(seen)}")
    assert seen[200] > TURNS / 8
    assert seen[404] > TURNS / 8
    assert seen[422] > TURNS / 20
    assert seen[500] == 0
    for project in projects.values():
        with inside(app, project):
            labels = db.session.scalars(select(Key.label)).all()
            parity = 1 if project is acme else 0
            assert {int(x.split()[1]) % 2 for x in labels if x.startswith("key")} == {parity}


def requests(own: str, other: str) -> list[tuple[str, str]]:
    return [
        ("GET", f"/{own}/"),
        ("GET", f"/{own}/shop/settings/keys"),
        ("POST", f"/{own}/shop/settings/keys"),
        ("POST", f"/{own}/shop/settings/name"),  # without a name: 422
        ("GET", f"/{other}/"),
        ("GET", f"/{other}/shop/settings/keys"),
        ("POST", f"/{other}/shop/settings/keys"),
    ]


def rolled_back(app: Flask, project: Project) -> None:
    with inside(app, project):
        db.session.add(Project(slug="never", name="Never"))
        db.session.flush()
        db.session.rollback()


def left_open(app: Flask, project: Project) -> None:
    with inside(app, project):
        db.session.scalars(select(Project)).all()


def failed_flush(app: Flask, project: Project) -> None:
    with inside(app, project):
        db.session.add(Project(slug="shop", name="Twice"))
        with pytest.raises(SQLAlchemyError):
            db.session.flush()


def failed_statement(app: Flask, project: Project) -> None:
    with inside(app, project), pytest.raises(SQLAlchemyError):
        db.session.execute(text("SELECT no_such_column FROM organization"))


def refused_statement(app: Flask, project: Project) -> None:
    with inside(app, project), pytest.raises(TenantError):
        db.session.execute(text("SELECT * FROM project"))


def refused_switch(app: Flask, project: Project) -> None:
    with inside(app, project), pytest.raises(TenantError):
        enter_organization(-1)


def savepoint(app: Flask, project: Project) -> None:
    with inside(app, project), db.session.begin_nested() as point:
        db.session.scalars(select(Project)).all()
        point.rollback()


def nothing(app: Flask, project: Project) -> None:
    del app, project


DISTURBANCES = [
    rolled_back,
    left_open,
    failed_flush,
    failed_statement,
    refused_statement,
    refused_switch,
    savepoint,
    nothing,
]
