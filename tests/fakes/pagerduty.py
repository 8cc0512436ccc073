"""PagerDuty on this machine: its Events API v2 by the published schema, and what it drops."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema

from tests.fakes.web import Answer, Request, Service, running

ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"
LINK = {
    "type": "object",
    "required": ["href"],
    "properties": {"href": {"type": "string", "format": "uri"}, "text": {"type": "string"}},
}
IMAGE = {
    "type": "object",
    "required": ["src"],
    "properties": {name: {"type": "string"} for name in ("src", "href", "alt")},
}
PAYLOAD = {
    "type": "object",
    "required": ["summary", "severity", "source"],
    "properties": {
        "summary": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "severity": {"enum": ["critical", "warning", "error", "info"]},
        "source": {"type": "string"},
        "component": {"type": "string"},
        "group": {"type": "string"},
        "class": {"type": "string"},
        "custom_details": {"type": "object"},
    },
}
# As PagerDuty's OpenAPI document of the Events API v2 says.
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "payload": PAYLOAD,
        "routing_key": {"type": "string"},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string"},
        "client": {"type": "string"},
        "client_url": {"type": "string", "format": "uri"},
        "links": {"type": "array", "items": LINK},
        "images": {"type": "array", "items": IMAGE},
    },
}
CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "payload"],
    "properties": {
        "routing_key": {"type": "string"},
        "payload": {
            "type": "object",
            "required": ["summary"],
            "properties": {
                "summary": {"type": "string", "maxLength": 1024},
                "timestamp": {"type": "string", "format": "date-time"},
                "source": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
        "links": {"type": "array", "items": LINK},
    },
}


class PagerDuty(Service):
    """A service with one integration; `incidents` by key, and what it dropped without a word."""

    def __init__(self, port: int = 0) -> None:
        """Start without incidents."""
        super().__init__(port)
        self.routing_key = ROUTING_KEY
        self.events: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.incidents: dict[str, str] = {}  # dedup_key -> triggered, acknowledged, resolved
        self.dropped: list[dict[str, Any]] = []

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All events, in order."""
        return self.events

    def reply(self, request: Request) -> Answer:
        schema = CHANGE if request.path == "/v2/change/enqueue" else EVENT
        event = request.json
        faults = [error.message for error in jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.FormatChecker()
        ).iter_errors(event)]  # fmt: skip
        faults += [] if schema is CHANGE or faults else guards(event, request.body)
        if event.get("routing_key") != self.routing_key:
            faults.append("Invalid routing key")
        if faults:
            refusal = {"status": "invalid event", "message": "Event object is invalid"}
            return Answer(400, {**refusal, "errors": faults})
        if schema is CHANGE:
            self.changes.append(event)
            return Answer(202, {"status": "success", "message": "Change event processed"})
        self._apply(event)
        done = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return Answer(202, done)

    def _apply(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        key, action = event["dedup_key"], event["event_action"]
        state = self.incidents.get(key, "resolved")
        if action == "trigger":
            self.incidents[key] = "triggered" if state == "resolved" else state
        elif state == "resolved":  # unknown or closed: it answers 202 all the same
            self.dropped.append(event)
        else:
            self.incidents[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]


def guards(event: dict[str, Any], body: bytes) -> list[str]:
    """What the schema takes and PagerDuty does not."""
    is_trigger = event["event_action"] == "trigger"
    broken = {
        "'dedup_key' is missing": not is_trigger and not event.get("dedup_key"),
        "'payload' is missing or blank": is_trigger and not event.get("payload"),
        "'summary' is longer than 1024": len(event.get("payload", {}).get("summary", "")) > 1024,
        "'dedup_key' is longer than 255": len(event.get("dedup_key", "")) > 255,
        "Event exceeds 512 KB": len(body) > 512 * 1024,
    }
    return [fault for fault, is_broken in broken.items() if is_broken]


@contextmanager
def serving(port: int = 0) -> Iterator[PagerDuty]:
    """A service for as long as the test runs."""
    with running(PagerDuty(port)) as server:
        yield server
