"""Slack on this machine: as much of its Web API as the console calls, as strict as Slack is."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import Block

from tests.fakes.web import Answer, Request, Service, running

TOKEN = "xoxb-1-the-token-of-the-app"
HOOK = "/services/T0001/B0001/the-secret-of-the-webhook"
CHANNELS = {
    "#ops": "C0000OPS",
    "C0000OPS": "C0000OPS",
    "U0000ADA": "D0000ADA",
    "D0000ADA": "D0000ADA",
}
MOST_BLOCKS = 50
MOST_CHARACTERS = 13_000

Fault = str


class SlackServer(Service):
    """A workspace with the channel #ops and the user Ada; `messages` is what it shows, in order."""

    def __init__(self, port: int = 0, per_second: float = 0) -> None:
        """Refuse messages that come faster to a channel than so many a second; 0 takes all."""
        super().__init__(port)
        self.api = f"{self.url}/api"
        self.webhook = self.url + HOOK
        self.token = TOKEN
        self.scopes = {"chat:write", "files:write"}
        self.messages: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []  # every chat.update that was taken
        self.files: dict[str, bytes] = {}
        self.unready = 0  # how often a file is not yet to be shown
        self._per_second = per_second
        self._latest: dict[str, float] = {}
        self._ids = count(1)
        self._lock = Lock()

    def message(self, ts: str) -> dict[str, Any]:
        """The message as it is shown now."""
        return next(message for message in self.messages if message["ts"] == ts)

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """The answers in a message's thread."""
        return [message for message in self.messages if message.get("thread_ts") == ts]

    def reply(self, request: Request) -> Answer:
        with self._lock:
            if request.path == HOOK:
                return self._hooked(request)
            if request.path.startswith("/upload/"):
                self.files[request.path.removeprefix("/upload/")] = request.body
                return Answer(200, f"OK - {len(request.body)}")
            return self._called(request, request.path.removeprefix("/api/"))

    def _hooked(self, request: Request) -> Answer:
        fault = _fault_of(request.json)
        if fault:
            return Answer(400, "invalid_payload")
        self.messages.append({**request.json, "ts": self._next(), "channel": "webhook"})
        return Answer(200, "ok")

    def _called(self, request: Request, method: str) -> Answer:
        arguments = _arguments(request)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refusal("invalid_auth")
        known = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._history,
            "files.getUploadURLExternal": self._place,
            "files.completeUploadExternal": self._complete,
        }
        return known[method](arguments) if method in known else _refusal("unknown_method")

    def _post(self, arguments: dict[str, Any]) -> Answer:
        channel = CHANNELS.get(str(arguments.get("channel")))
        if "chat:write" not in self.scopes:
            return _refusal("missing_scope", needed="chat:write", provided="")
        if channel is None:
            return _refusal("channel_not_found")
        if self._is_too_fast(channel):
            return Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
        fault = _fault_of(arguments) or self._fault_of_files(arguments)
        parents = [message["ts"] for message in self.messages if message["channel"] == channel]
        if not fault and arguments.get("thread_ts", parents and parents[0]) not in parents:
            fault = "thread_not_found" if "thread_ts" in arguments else ""
        if fault:
            return _refusal(fault)
        message = {**arguments, "channel": channel, "ts": self._next()}
        self.messages.append(message)
        return Answer(200, {"ok": True, "channel": channel, "ts": message["ts"]})

    def _update(self, arguments: dict[str, Any]) -> Answer:
        places = [(message["channel"], message["ts"]) for message in self.messages]
        if str(arguments.get("channel")) not in CHANNELS.values():  # names are not taken here
            return _refusal("channel_not_found")
        if (arguments["channel"], arguments.get("ts")) not in places:
            return _refusal("message_not_found")
        fault = _fault_of(arguments) or self._fault_of_files(arguments)
        if fault:
            return _refusal(fault)
        self.message(arguments["ts"]).update(arguments)
        self.updates.append(arguments)
        return Answer(200, {"ok": True, "channel": arguments["channel"], "ts": arguments["ts"]})

    def _history(self, arguments: dict[str, Any]) -> Answer:
        """The latest messages first, or a thread from its beginning; metadata where asked for."""
        if "channels:history" not in self.scopes:
            return _refusal("missing_scope", needed="channels:history", provided="chat:write")
        channel, ts = str(arguments.get("channel")), arguments.get("ts")
        if channel not in CHANNELS.values():  # names are not taken here
            return _refusal("channel_not_found")
        shown = [entry for entry in self.messages if entry["channel"] == channel]
        if ts is None:
            shown = [entry for entry in reversed(shown) if "thread_ts" not in entry]
        else:
            shown = [entry for entry in shown if ts in (entry["ts"], entry.get("thread_ts"))]
        if arguments.get("include_all_metadata") != "true":
            shown = [{**entry, "metadata": None} for entry in shown]
        return Answer(200, {"ok": True, "messages": shown[: int(arguments.get("limit", 100))]})

    def _place(self, arguments: dict[str, Any]) -> Answer:
        if "files:write" not in self.scopes:
            return _refusal("missing_scope", needed="files:write", provided="chat:write")
        if not int(arguments.get("length", 0)) or not arguments.get("filename"):
            return _refusal("invalid_arguments")
        file = f"F{next(self._ids):08}"
        place = f"{self.url}/upload/{file}"
        return Answer(200, {"ok": True, "upload_url": place, "file_id": file})

    def _complete(self, arguments: dict[str, Any]) -> Answer:
        files = arguments.get("files") or []
        if not files or any(file["id"] not in self.files for file in files):
            return _refusal("file_not_found")
        return Answer(200, {"ok": True, "files": files})

    def _fault_of_files(self, arguments: Mapping[str, Any]) -> Fault:
        shown = [
            block["slack_file"]["id"] for block in blocks_of(arguments) if "slack_file" in block
        ]
        if shown and self.unready:
            self.unready -= 1
            return "invalid_blocks"
        return "" if all(file in self.files for file in shown) else "invalid_blocks"

    def _is_too_fast(self, channel: str) -> bool:
        now = time.monotonic()
        if self._per_second and now - self._latest.get(channel, 0) < 1 / self._per_second:
            return True
        self._latest[channel] = now
        return False

    def _next(self) -> str:
        return f"1764252240.{next(self._ids):06}"


def blocks_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All blocks of a message, wherever they are."""
    attached = message.get("attachments") or []
    return [*(message.get("blocks") or []), *(b for part in attached for b in part["blocks"])]


def buttons_of(message: Mapping[str, Any]) -> list[str]:
    """The labels of a message's buttons."""
    return [element["text"]["text"] for element in elements_of(message)]


def elements_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The buttons of a message."""
    rows = [block for block in blocks_of(message) if block["type"] == "actions"]
    return [element for row in rows for element in row["elements"]]


def _arguments(request: Request) -> dict[str, Any]:
    kind = request.headers.get("Content-Type", "")
    if kind.startswith("application/json"):
        return dict(request.json)
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def _fault_of(message: Mapping[str, Any]) -> Fault:
    """What Slack refuses, by the models of its own library and the limits that these leave out."""
    blocks = blocks_of(message)
    if not message.get("text") and not blocks:
        return "no_text"
    if len(message.get("text", "")) > 40_000:
        return "msg_too_long"
    if len(_written(blocks)) > MOST_CHARACTERS:
        return "msg_blocks_too_long"
    return "" if len(blocks) <= MOST_BLOCKS and _are_well_formed(message) else "invalid_blocks"


def _are_well_formed(message: Mapping[str, Any]) -> bool:
    """Whether the models of Slack's library take all blocks."""
    try:
        for block in [Block.parse(block) for block in blocks_of(message)]:
            if block is None:  # which is how the library says that it knows no such type
                return False
            block.to_dict()
        for part in message.get("attachments") or []:
            BlockAttachment(blocks=Block.parse_all(part["blocks"]), color=part["color"]).to_dict()
    except (SlackObjectFormationError, TypeError, KeyError):
        return False
    return True


def _written(value: Any) -> str:
    """All texts of blocks, one behind the other."""
    if isinstance(value, Mapping):
        return "".join(map(_written, value.values()))
    if isinstance(value, list):
        return "".join(map(_written, value))
    return value if isinstance(value, str) else ""


def _refusal(error: str, **more: str) -> Answer:
    return Answer(200, {"ok": False, "error": error, **more})


@contextmanager
def serving(port: int = 0, per_second: float = 0) -> Iterator[SlackServer]:
    """A workspace for as long as the test runs."""
    with running(SlackServer(port, per_second)) as server:
        yield server
