"""A request as it comes over the wire, and what the whole stack of the console makes of it."""

import io
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LATE_SECONDS = 5.0  # of processor time, so that a busy machine is no fault


@dataclass
class Sent:
    """A request: path and query as bytes of an address, headers as they are."""

    caller: str
    method: str
    path: bytes
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    scheme: str = "http"
    length: str | None = None
    """The Content-Length that is announced, where it is not that of the body."""

    @property
    def environ(self) -> dict[str, Any]:
        """The same as granian hands it over."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin1"),
            "QUERY_STRING": self.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in {"Host": "localhost", **self.headers}.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        if self.body or self.length is not None:
            environ["CONTENT_LENGTH"] = str(len(self.body)) if self.length is None else self.length
        return environ

    def __str__(self) -> str:
        """Enough to know it by; `--only` sends it again."""
        path, query, body = self.path[:120], self.query[:200], self.body[:80]
        return f"{self.caller}: {self.method} {path!r} ?{query!r} {body!r}"


@dataclass
class Got:
    """What came of it: the status, 599 where an exception escaped, and how long it computed."""

    status: int
    headers: list[tuple[str, str]]
    seconds: float
    body: bytes = b""
    error: str = ""

    @property
    def is_fault(self) -> bool:
        return self.status >= 500 or self.seconds > LATE_SECONDS


def send(front: "WSGIApplication", sent: Sent) -> Got:
    """Send a request through a WSGI application, and read the answer to its end."""
    began = time.thread_time()
    status, headers = 599, list[tuple[str, str]]()

    def start(line: str, head: list[tuple[str, str]], _failure: Any = None) -> Any:
        nonlocal status, headers
        status, headers = int(line.split(maxsplit=1)[0]), head
        check(head)

    body, error = b"", ""
    try:
        parts: Iterable[bytes] = front(sent.environ, start)
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
    except Exception as escaped:  # noqa: BLE001 - whatever it is, it is the fault looked for
        status, error = 599, f"{type(escaped).__name__}: {escaped}"[:300]
    return Got(status, headers, time.thread_time() - began, body, error)


def check(head: list[tuple[str, str]]) -> None:
    """Raise for a header that no server can send."""
    for name, value in head:
        if any(character in name + value for character in "\r\n\0"):
            raise ValueError(f"the header {name} cannot be sent: {value!r}")
        value.encode("latin1")
