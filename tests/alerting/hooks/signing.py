"""Requests as Slack and PagerDuty sign them, and threads that are none of this organization."""

import hmac
import re
from hashlib import sha256

from console.core import clock as console_clock

SECRET, FORMER = "8f742231b10e8888abcd99yyyzzz85a5", "former-secret-of-the-webhook"


STRANGE = {
    "another organization": lambda thread: re.sub(r"-\d+-", "-999-", thread),
    "no incident": lambda thread: re.sub(r"\d+$", "999999999", thread),
    "too many digits": lambda thread: thread + "9" * 40,
    "no number": lambda thread: thread + "x",
    "no thread": lambda _thread: "'; --",
}


def slack_signed(body: bytes, secret: str = SECRET, at: float = 0.0) -> dict[str, str]:
    stamp = str(int(at or console_clock.now().timestamp()))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signature}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


PERSON = {"id": "PLH1HKV", "type": "user_reference", "summary": "Alice"}


def send(client, pagerduty, body, secret=SECRET):
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    headers = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={signature}"}
    return client.post(pagerduty, data=body, headers=headers)
