"""Records what the shop's real SDK sends, and makes templates of it for other times and people."""

import gzip
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any

import brotli
import orjson

Json = Any
TIMES = {"timestamp", "start_timestamp", "end_timestamp", "started"}
IDS = {"event_id", "trace_id", "span_id", "parent_span_id", "segment_id"}
HEX_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
SLOT = re.compile(rb'"@slot:(\d+)@"')
INFLATE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "": bytes,
}


@dataclass(frozen=True)
class Cast:
    """The values that a replay substitutes for recorded ones."""

    at: float
    release: str
    environment: str
    visitor: dict[str, str]
    public_key: str
    pace: float = 1.0
    """By how much longer everything takes than it took when it was recorded."""


Slot = Callable[[Cast, dict[str, str]], Json]


@dataclass
class Envelope:
    """One recorded envelope: its header, and each item's header and payload."""

    header: Json
    items: list[tuple[Json, Json]]

    @property
    def trace_id(self) -> str:
        """The id of its trace; "" for items without one (sessions, client reports)."""
        trace_id: str = self.header.get("trace", {}).get("trace_id", "")
        return trace_id

    @property
    def endpoint(self) -> str:
        """Name of the request that a visitor made; "" for what a request brought about."""
        for header, payload in self.items:
            if header["type"] == "transaction":
                trace = payload["contexts"]["trace"]
                return "" if trace.get("parent_span_id") else str(payload["transaction"])
        return ""

    @property
    def kind(self) -> str:
        """Type of its error or text of its message; "" for a transaction."""
        for header, payload in self.items:
            if header["type"] == "event":
                values = payload.get("exception", {}).get("values") or [{}]
                entry = payload.get("logentry") or {"message": payload.get("message", "")}
                return str(values[-1].get("type") or entry["message"])
        return ""


@dataclass
class Scene:
    """One request of a visitor: its transaction and errors, as text with slots."""

    kind: str
    endpoint: str
    started: float
    recorded: Cast
    slots: list[Slot] = field(default_factory=list)
    texts: list[tuple[list[bytes], list[tuple[Json, list[bytes]]]]] = field(default_factory=list)

    def add(self, envelope: Envelope) -> None:
        """Turn an envelope of this scene into text with slots."""
        items = [(header, self._text(payload)) for header, payload in envelope.items]
        # Without sent_at: the console would take a back-dated one for a clock that is days behind.
        header = {name: value for name, value in envelope.header.items() if name != "sent_at"}
        self.texts.append((self._text(header), items))

    def play(self, cast: Cast) -> Iterator[bytes]:
        """Return the scene's envelopes as they would have been sent at another time."""
        ids: dict[str, str] = {}
        values = [orjson.dumps(slot(cast, ids)) for slot in self.slots]
        for header, items in self.texts:
            lines = [_fill(header, values)]
            for item_header, text in items:
                payload = _fill(text, values)
                lines += [orjson.dumps(item_header | {"length": len(payload)}), payload]
            yield b"\n".join(lines) + b"\n"

    def _text(self, value: Json) -> list[bytes]:
        return SLOT.split(orjson.dumps(self._slotted(value, "")))

    def _slotted(self, value: Json, key: str) -> Json:
        if isinstance(value, dict):
            return {name: self._slotted(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._slotted(inner, key) for inner in value]
        slot = self._slot(value, key)
        if slot is None:
            return value
        self.slots.append(slot)
        return f"@slot:{len(self.slots) - 1}@"

    def _slot(self, value: Json, key: str) -> Slot | None:
        if key in TIMES:
            return self._time(value)
        if not isinstance(value, str) or not value:
            return None
        if key in IDS and HEX_ID.fullmatch(value):
            return lambda _cast, ids: ids.setdefault(value, token_hex(len(value) // 2))
        return self._part(value)

    def _time(self, value: Json) -> Slot | None:
        if isinstance(value, int | float):
            late = value - self.started
            return lambda cast, _ids: cast.at + late * cast.pace
        late = datetime.fromisoformat(value).timestamp() - self.started
        return lambda cast, _ids: datetime.fromtimestamp(
            cast.at + late * cast.pace, UTC
        ).isoformat()

    def _part(self, value: str) -> Slot | None:
        """Replace what the cast brings along: release, environment, key, the visitor's names."""
        for name in ("release", "environment", "public_key"):
            if value == getattr(self.recorded, name):
                return lambda cast, _ids: getattr(cast, name)
        for name, known in self.recorded.visitor.items():
            if value == known:
                return lambda cast, _ids: cast.visitor[name]
        return None


def _fill(text: list[bytes], values: list[bytes]) -> bytes:
    """Put values into the text's slots; every other part is the number of a slot."""
    return b"".join(values[int(part)] if odd % 2 else part for odd, part in enumerate(text))


class Recorder(ThreadingHTTPServer):
    """Listens like a console and keeps the envelopes that arrive."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Listener)
        self.envelopes: list[Envelope] = []
        self.public_key = token_hex(16)
        self.dsn = f"http://{self.public_key}@127.0.0.1:{self.server_port}/1"

    def scenes(self, release: str, environment: str, host: str) -> list[Scene]:
        """Group what was recorded by request; `host` is where the shop stood."""
        by_trace: dict[str, list[Envelope]] = defaultdict(list)
        for envelope in self.envelopes:
            if envelope.trace_id:
                by_trace[envelope.trace_id].append(_elsewhere(envelope, host))
        return [self._scene(envelopes, release, environment) for envelopes in by_trace.values()]

    def _scene(self, envelopes: list[Envelope], release: str, environment: str) -> Scene:
        payloads = [payload for envelope in envelopes for _, payload in envelope.items]
        visitor: Json = next((p["user"] for p in payloads if p.get("user", {}).get("email")), {})
        known = {name: visitor[name] for name in ("id", "email", "username") if name in visitor}
        scene = Scene(
            kind=next((envelope.kind for envelope in envelopes if envelope.kind), ""),
            endpoint=next((envelope.endpoint for envelope in envelopes if envelope.endpoint), ""),
            started=min(_moments(payloads)),
            recorded=Cast(0, release, environment, known, self.public_key),
        )
        for envelope in envelopes:
            scene.add(envelope)
        return scene


class _Listener(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.envelopes.append(
            _parse(INFLATE[self.headers.get("Content-Encoding", "")](body))
        )
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def recording() -> Iterator[Recorder]:
    """Listen for as long as the shop is being visited."""
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever)
        thread.start()
        yield recorder
        recorder.shutdown()
        thread.join()


def _parse(raw: bytes) -> Envelope:
    """Split an envelope of JSON items; what the recorded SDK says of itself is left out."""
    header, _, rest = raw.partition(b"\n")
    items = []
    while rest:
        line, _, rest = rest.partition(b"\n")
        item = orjson.loads(line)
        length = item.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        if item["type"] != "client_report":
            items.append((item, orjson.loads(rest[:length])))
        rest = rest[length + 1 :]
    return Envelope(orjson.loads(header), items)


def _elsewhere(envelope: Envelope, host: str) -> Envelope:
    """Move the recorded shop from this machine to where a shop would be."""
    text = orjson.dumps([envelope.header, envelope.items]).replace(host.encode(), b"shop.example")
    header, items = orjson.loads(text)
    return Envelope(header, [(item, payload) for item, payload in items])


def _moments(value: Json) -> Iterator[float]:
    """Yield every starting time in a payload."""
    if isinstance(value, dict):
        start = value.get("start_timestamp", value.get("timestamp"))
        if isinstance(start, int | float):
            yield start
        elif isinstance(start, str):
            yield datetime.fromisoformat(start).timestamp()
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _moments(inner)
