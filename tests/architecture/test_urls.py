"""Every address says who may enter, types its ids and is spelled in kebab case."""

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from console.accounts.access import PERMISSIONS, Access

# The whole list of what answers a stranger. (Ingest stands in front of the app and asks for a key.)
PUBLIC = {
    "accounts.forgot_password",
    "accounts.invitation",
    "accounts.login",
    "accounts.login_code",
    "accounts.login_recovery_code",
    "accounts.passkey_challenge",
    "accounts.passkey_login",
    "accounts.reset_password",
    "accounts.set_theme",
    "accounts.setup",
    "accounts.single_sign_on_account",
    "accounts.single_sign_on_answer",
    "accounts.single_sign_on_start",
    "beacon.beacon",
    "beats.beat",
    "health.healthz",
    "health.ready",
    "hooks.pagerduty",
    "hooks.slack",
    "links.acknowledge",
    "links.act",
    "links.link_slack",
    "links.resolve",
    "links.unsubscribe",
    "links.unsubscribing",
    "report_links.act",
    "report_links.link",
    "report_links.link_file",
    "shared.embedded",
    "shared.shared",
    "shared.shared_tile",
    "shared.unlock",
    "status.badge",
    "status.page",
}
FRAMEWORK = {"asset"}  # files of ours, named by their content
SEGMENT = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*(\.js)?)?")
TYPES = {
    "tile_id": "tile",
    "organization": "slug",
    "project": "slug",
    "event_id": "event",
    "trace_id": "trace",
    "span_id": "span",
    "fingerprint": "span",
    "position": "position",
}
PREFIX = {
    "organization": "/<slug:organization>/",
    "project": "/<slug:organization>/<slug:project>/",
    "api": "/api/v1/<slug:organization>/<slug:project>/",
}


@pytest.fixture
def rules(app: Flask) -> list[Rule]:
    return list(app.url_map.iter_rules())


def test_every_view_declares_who_may_enter(app, rules):
    undeclared = {rule.endpoint for rule in rules if declared(app, rule) is None} - FRAMEWORK
    assert undeclared == set()


def test_only_the_short_list_answers_a_stranger(app, rules):
    public = {rule.endpoint for rule in rules if kind(app, rule) == "public"}
    assert public - PUBLIC == set()


def test_the_short_list_names_nothing_that_is_gone(app):
    assert PUBLIC - set(app.view_functions) == set()


def test_addresses_with_a_token_are_declared_as_links(app, rules):
    """What makes them private: no referrer, no trace, no cache."""
    by_token = {rule.endpoint for rule in rules if "token" in rule.arguments}
    by_token |= {"accounts.setup", "accounts.single_sign_on_answer"}  # theirs is in the query
    links = {rule.endpoint for rule in rules if (declared(app, rule) or Access("")).by_link}
    assert links == by_token


def test_addresses_start_with_what_their_view_guards(app, rules):
    for rule in rules:
        assert rule.rule.startswith(PREFIX.get(kind(app, rule), "/")), rule.rule
        if "<slug:organization>" in rule.rule:
            assert kind(app, rule) in PREFIX, f"{rule.rule} is guarded by no organization"


def test_scopes_of_the_api_are_declared_ones(app, rules):
    for rule in rules:
        access = declared(app, rule)
        if access and access.kind == "api":
            assert access.permission in PERMISSIONS


def test_ids_are_typed(rules):
    wrong = [
        f"{rule.rule}: {name} is {converter}"
        for rule in rules
        for name, converter in parameters(rule).items()
        if converter != TYPES.get(name, "id" if name.endswith("_id") else converter)
    ]
    assert wrong == []


def test_no_number_in_an_address_is_unbounded(rules):
    kinds = {converter for rule in rules for converter in parameters(rule).values()}
    assert kinds & {"int", "float"} == set()


def test_addresses_are_kebab_case(rules):
    wrong = [
        rule.rule
        for rule in rules
        for segment in re.sub(r"<[^>]*>", "", rule.rule).split("/")
        if not SEGMENT.fullmatch(segment.strip("."))
    ]
    assert wrong == []


def declared(app: Flask, rule: Rule) -> Access | None:
    found: Access | None = getattr(app.view_functions[rule.endpoint], "access", None)
    return found


def kind(app: Flask, rule: Rule) -> str:
    access = declared(app, rule)
    return access.kind if access else ""


def parameters(rule: Rule) -> dict[str, str]:
    """Name and converter of each variable part."""
    found = re.findall(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", rule.rule)
    return {name: converter or "default" for converter, name in found}
