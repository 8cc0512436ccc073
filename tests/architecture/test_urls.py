"""Every address says who may enter, types its ids and is spelled in kebab case."""

import re

import pytest
from werkzeug.routing import Rule

# The whole list of what answers a stranger.
PUBLIC = {
    "static",
    "accounts.setup",
    "accounts.login",
    "accounts.logout",
    "accounts.invitation",
    "web.health",
}
DECLARED = re.compile(
    r"(project|organization):(viewer|member|admin|owner)|api:[a-z]+:(read|write)|signed_in|public|ingest"
)
SEGMENT = re.compile(r"[a-z0-9.]+(-[a-z0-9]+)*|_|")
TYPES = {"organization": "slug", "project": "slug"}


@pytest.fixture
def rules(app) -> list[Rule]:
    return list(app.url_map.iter_rules())


def test_every_view_declares_who_may_enter(app, rules):
    undeclared = [
        rule.endpoint
        for rule in rules
        if rule.endpoint != "static"
        and not DECLARED.fullmatch(getattr(app.view_functions[rule.endpoint], "access", ""))
    ]
    assert undeclared == []


def test_what_is_public_is_on_the_short_list(app, rules):
    public = {r.endpoint for r in rules if access(app, r) == "public"}
    assert public <= PUBLIC


def test_ids_are_typed(rules):
    wrong = [
        f"{rule.rule}: {name} is {kind}"
        for rule in rules
        for name, kind in parameters(rule).items()
        if kind != TYPES.get(name, "int" if name.endswith("_id") else kind)
    ]
    assert wrong == []


def test_addresses_are_kebab_case(rules):
    wrong = [
        rule.rule
        for rule in rules
        for segment in re.sub(r"<[^>]*>", "", rule.rule).split("/")
        if not SEGMENT.fullmatch(segment)
    ]
    assert wrong == []


def test_project_pages_live_under_organization_and_project(app, rules):
    for rule in rules:
        if access(app, rule).startswith("project:"):
            assert rule.rule.startswith("/<slug:organization>/<slug:project>/"), rule.rule
        if access(app, rule).startswith("organization:"):
            assert rule.rule.startswith("/<slug:organization>/"), rule.rule
        if access(app, rule).startswith("api:"):
            assert rule.rule.startswith("/api/v1/"), rule.rule


def access(app, rule: Rule) -> str:
    declared: str = getattr(app.view_functions[rule.endpoint], "access", "")
    return declared


def parameters(rule: Rule) -> dict[str, str]:
    """Name and converter of each variable part."""
    found = re.findall(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", rule.rule)
    return {name: kind or "default" for kind, name in found}
