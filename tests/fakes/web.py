"""A web service on this machine: keeps every request, and fails as a test wants."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a request is answered."""

    status: int = 200
    body: bytes | str | Mapping[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before it."""
    drops: bool = False
    """The request is done, and the connection ends without an answer."""


class Service(ThreadingHTTPServer):
    """Listens on loopback; a subclass says in `reply` how a request is answered properly."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, port: int = 0) -> None:
        """Listen on a port, free if 0."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Request] = []
        self.delay = 0.0  # seconds before every answer
        self.drops = False  # whether requests are done and never answered
        self.hangs = False  # whether requests are neither done nor answered
        self.hanging: set[str] = set()  # the paths of requests that hung
        self._planned: deque[Answer] = deque()
        self._standing: Answer | None = None
        self.is_closed = threading.Event()

    def answers(self, *answers: Answer, always: bool = False) -> None:
        """Give these answers to the next requests in place of the proper ones; or to all."""
        self._standing = answers[-1] if always else None
        self._planned = deque(answers)

    def behaves(self) -> None:
        """Answer properly from now on."""
        self._planned.clear()
        self._standing = None
        self.delay, self.drops, self.hangs = 0.0, False, False

    def answer_to(self, request: Request) -> Answer:
        """What a request is answered now."""
        self.requests.append(request)
        planned = self._planned.popleft() if self._planned else self._standing
        if planned is None:
            return self.reply(request)
        if planned.drops:
            self.reply(request)
        return planned

    def reply(self, request: Request) -> Answer:
        """The proper answer."""
        del request
        return Answer()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no fault of the service."""


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        if self.server.hangs:
            self.server.hanging.add(self.path)
            self.server.is_closed.wait(3_600)
            return
        answer = self.server.answer_to(request)
        time.sleep(answer.delay or self.server.delay)
        if answer.drops or self.server.drops:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = _serve  # noqa: N815 - the library's names

    def _send(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Mapping):
            body = json.dumps(body)
        content = body.encode() if isinstance(body, str) else body
        kind = "application/json" if isinstance(answer.body, Mapping) else "text/plain"
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


Serving = TypeVar("Serving", bound=Service)


@contextmanager
def running(service: Serving) -> Iterator[Serving]:
    """Serve for as long as the test runs."""
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        service.is_closed.set()
        service.shutdown()
        service.server_close()
        thread.join()
