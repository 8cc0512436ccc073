"""`pharos dashboard` applies a file to projects, and prints the file of a dashboard."""

import json

import pytest

from console.accounts.models import Organization
from console.core.db import db
from console.dashboards import files
from console.dashboards.models import Dashboard
from tests.dashboards.documents import document
from tests.support import factories
from tests.support.live import Server

AT = ("--organization", "acme")


@pytest.fixture
def commands(instance, database):
    return Server(instance, database)


@pytest.fixture
def beside(app, acme, inside):
    with inside(acme):
        organization = db.session.get_one(Organization, acme.organization_id)
    return factories.make_project(app, organization, "blog")


@pytest.mark.usefixtures("both_databases", "beside")
def test_a_file_is_applied_to_projects_and_printed_again(commands, tmp_path, acme, inside):
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document().stored))
    to = (*AT, "--project", "shop", "--project", "blog")
    assert commands.run("dashboard", "apply", str(file), *to).split("\n")[:2] == [
        "shop: added", "blog: added"
    ]  # fmt: skip
    assert "shop: same\nblog: same" in commands.run("dashboard", "apply", str(file), *to)
    file.write_text(json.dumps(document(tags=("team",)).stored))
    changed = json.loads(commands.run("dashboard", "apply", str(file), *to, "--json"))
    assert {answer["version"] for answer in changed.values()} == {2}
    assert changed["blog"]["differences"] == [{"place": "Tag team", "words": "added"}]
    with inside(acme):
        assert db.session.query(Dashboard).count() == 2
    printed = commands.run("dashboard", "show", "Shop", *AT, "--project", "blog")
    assert json.loads(printed)["tags"] == ["team"]
    commands.run("dashboard", "show", "Nothing", *AT, "--project", "blog", code=1)


@pytest.mark.usefixtures("beside")
def test_a_file_with_a_fault_changes_nothing(commands, tmp_path, acme, inside):
    file = tmp_path / "shop.json"
    to = (*AT, "--project", "shop", "--project", "blog")
    for text in ("{", "[]", json.dumps(document().stored | {"format": 9})):
        file.write_text(text)
        commands.run("dashboard", "apply", str(file), *to, code=1)
    file.write_text(json.dumps(document().stored))
    with inside(acme):
        for _ in range(2):
            files.add(acme, document(), script="test")
        db.session.commit()
    commands.run("dashboard", "apply", str(file), *to, code=1)
    with inside(acme):
        assert db.session.query(Dashboard).count() == 2
