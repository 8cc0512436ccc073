"""Signatures verify as published; whatever is old, foreign or hostile is refused."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from console.channels.signatures import (
    pagerduty_is_genuine,
    signed,
    slack_is_genuine,
)
from tests.fakes.hook import is_genuine

# https://docs.slack.dev/authentication/verifying-requests-from-slack
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
SLACK_TIME = datetime.fromtimestamp(1531420618, UTC)

# The vector of PagerDuty's own Go client.
PAGERDUTY_SECRET = "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK"
PAGERDUTY_SIGNATURE = "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd"
PAGERDUTY_BODY = (
    b'{"event":{"id":"01BWDWL3NYY7LUFPZCC28QUCMK","event_type":"incident.priority_updated",'
    b'"resource_type":"incident","occurred_at":"2021-04-26T17:36:27.458Z","agent":{"html_url":'
    b'"https://acme.pagerduty.com/users/PLH1HKV","id":"PLH1HKV","self":'
    b'"https://api.pagerduty.com/users/PLH1HKV","summary":"Tenex Engineer","type":'
    b'"user_reference"},"client":null,"data":{"id":"PGR0VU2","type":"incident","self":'
    b'"https://api.pagerduty.com/incidents/PGR0VU2","html_url":'
    b'"https://acme.pagerduty.com/incidents/PGR0VU2","number":2,"status":"triggered","title":'
    b'"A little bump in the road","service":{"html_url":'
    b'"https://acme.pagerduty.com/services/PF9KMXH","id":"PF9KMXH","self":'
    b'"https://api.pagerduty.com/services/PF9KMXH","summary":"API Service","type":'
    b'"service_reference"},"assignees":[{"html_url":"https://acme.pagerduty.com/users/PTUXL6G",'
    b'"id":"PTUXL6G","self":"https://api.pagerduty.com/users/PTUXL6G","summary":"User 123",'
    b'"type":"user_reference"}],"escalation_policy":{"html_url":'
    b'"https://acme.pagerduty.com/escalation_policies/PUS0KTE","id":"PUS0KTE","self":'
    b'"https://api.pagerduty.com/escalation_policies/PUS0KTE","summary":"Default","type":'
    b'"escalation_policy_reference"},"teams":[{"html_url":'
    b'"https://acme.pagerduty.com/teams/PFCVPS0","id":"PFCVPS0","self":'
    b'"https://api.pagerduty.com/teams/PFCVPS0","summary":"Engineering","type":'
    b'"team_reference"}],"priority":{"html_url":"https://acme.pagerduty.com/account/'
    b'incident_priorities","id":"PSO75BM","self":"https://api.pagerduty.com/priorities/PSO75BM",'
    b'"summary":"P1","type":"priority_reference"},"urgency":"high","conference_bridge":'
    b'{"conference_number":1000,"conference_url":"https://example.com"},"resolve_reason":null}}}'
)

HOSTILE = [
    "",
    "soon",
    "-1",
    "1e9",
    "nan",
    "1531420618.0",
    " 1531420618",
    "１５３１４２０６１８",
    "²",
    "9" * 400,
    "1531420618\x00",
]


def test_slacks_published_vector_verifies():
    assert slack_is_genuine(SLACK_SECRET, SLACK_HEADERS, SLACK_BODY, SLACK_TIME)
    lower = {name.lower(): value for name, value in SLACK_HEADERS.items()}
    assert slack_is_genuine(SLACK_SECRET, lower, SLACK_BODY, SLACK_TIME + timedelta(minutes=5))


@pytest.mark.parametrize("minutes", [-5.1, 5.1, 10_000])
def test_an_old_or_future_request_of_slack_is_refused(minutes):
    now = SLACK_TIME + timedelta(minutes=minutes)
    assert not slack_is_genuine(SLACK_SECRET, SLACK_HEADERS, SLACK_BODY, now)


def test_another_body_secret_or_signature_is_refused():
    assert not slack_is_genuine(SLACK_SECRET, SLACK_HEADERS, SLACK_BODY + b"&", SLACK_TIME)
    assert not slack_is_genuine("another", SLACK_HEADERS, SLACK_BODY, SLACK_TIME)
    for signature in ("", "v0=", "v1=" + SLACK_HEADERS["X-Slack-Signature"][3:], "ü", "\udcff"):
        headers = {**SLACK_HEADERS, "X-Slack-Signature": signature}
        assert not slack_is_genuine(SLACK_SECRET, headers, SLACK_BODY, SLACK_TIME)
    assert not slack_is_genuine(SLACK_SECRET, {}, SLACK_BODY, SLACK_TIME)


@pytest.mark.parametrize("stamp", HOSTILE)
def test_a_hostile_timestamp_is_refused_even_if_it_is_signed(stamp):
    own = hmac.new(b"secret", b"v0:" + stamp.encode() + b":" + SLACK_BODY, sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={own}"}
    assert not slack_is_genuine("secret", headers, SLACK_BODY, SLACK_TIME)


def test_an_empty_secret_verifies_nothing():
    body, stamp = b"", "1531420618"
    own = hmac.new(b"", b"v0:" + stamp.encode() + b":", sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={own}"}
    assert not slack_is_genuine("", headers, body, SLACK_TIME)
    assert not pagerduty_is_genuine([""], f"v1={hmac.new(b'', b'', sha256).hexdigest()}", b"")
    assert not is_genuine("", signed("", b"", SLACK_TIME), b"", SLACK_TIME)


def test_pagerdutys_vector_verifies_also_while_secrets_are_rotated():
    header = f"v1={'0' * 64}, {PAGERDUTY_SIGNATURE}"
    for secrets in ([PAGERDUTY_SECRET], ["former", PAGERDUTY_SECRET]):
        assert pagerduty_is_genuine(secrets, PAGERDUTY_SIGNATURE, PAGERDUTY_BODY)
        assert pagerduty_is_genuine(secrets, header, PAGERDUTY_BODY)


@pytest.mark.parametrize(
    "header",
    ["", ",", "v1=", "v2=" + PAGERDUTY_SIGNATURE[3:], "v1=ü", "\udcff", "v1=0," * 100_000],
)
def test_other_signatures_of_pagerduty_are_refused(header):
    assert not pagerduty_is_genuine([PAGERDUTY_SECRET], header, PAGERDUTY_BODY)
    assert not pagerduty_is_genuine([PAGERDUTY_SECRET], PAGERDUTY_SIGNATURE, PAGERDUTY_BODY + b" ")
    assert not pagerduty_is_genuine([], PAGERDUTY_SIGNATURE, PAGERDUTY_BODY)


def test_what_the_console_signs_verifies_for_five_minutes():
    header = signed("secret", b"{}", SLACK_TIME)
    assert header.startswith("t=1531420618,v1=")
    assert is_genuine("secret", header, b"{}", SLACK_TIME + timedelta(minutes=5))
    assert not is_genuine("secret", header, b"{}", SLACK_TIME + timedelta(minutes=6))
    assert not is_genuine("secret", header, b"[]", SLACK_TIME)
    assert not is_genuine("secret", header.replace("t=1", "t=2"), b"{}", SLACK_TIME)
    for hostile in ("", "t=,v1=", "t=x,v1=y", "v1", ",,,,,,,"):
        assert not is_genuine("secret", hostile, b"{}", SLACK_TIME)
