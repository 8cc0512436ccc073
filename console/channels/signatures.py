"""Signatures of requests: Slack's and PagerDuty's are checked, the console's own are made."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

WINDOW = timedelta(minutes=5)
LONGEST_TIMESTAMP = 12
MOST_SIGNATURES = 20
OWN_HEADER = "Pharos-Signature"


def slack_is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether Slack signed a request of the last five minutes with an app's signing secret.

    https://docs.slack.dev/authentication/verifying-requests-from-slack: the HMAC-SHA256 of
    `v0:timestamp:body`. Whatever the headers hold, the answer is a bool.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    stamp = lower.get("x-slack-request-timestamp", "")
    signature = lower.get("x-slack-signature", "")
    if not (secret and _is_recent(stamp, now)):
        return False
    expected = _hex(secret, b"v0:" + stamp.encode() + b":" + body)
    return _same(f"v0={expected}", signature)


def pagerduty_is_genuine(secrets: Sequence[str], header: str, body: bytes) -> bool:
    """Whether one of these secrets signed a body; `X-PagerDuty-Signature` lists several signatures.

    PagerDuty signs no time, so whoever receives it remembers the events' ids.
    """
    signatures = [part.strip() for part in header.split(",", MOST_SIGNATURES)[:MOST_SIGNATURES]]
    expected = [f"v1={_hex(secret, body)}" for secret in secrets if secret]
    return any(_same(ours, given) for ours in expected for given in signatures)


def signed(secret: str, body: bytes, at: datetime) -> str:
    """The value of `Pharos-Signature`: when a body was sent, and the HMAC-SHA256 of `t.body`."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={_hex(secret, stamp.encode() + b'.' + body)}"


def _is_recent(stamp: str, now: datetime) -> bool:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= LONGEST_TIMESTAMP):
        return False
    return abs(now.timestamp() - int(stamp)) <= WINDOW.total_seconds()


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(errors="replace"), body, sha256).hexdigest()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
