"""The serving process: granian's WSGI worker and the console in one process."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from io import RawIOBase
from typing import TYPE_CHECKING, Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.mt import MTServer

from console.core.config import ConfigError
from console.ingest.views.endpoints import front

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BACKLOG = 1024
SENDERS = 512  # requests whose bodies may be on their way at once; threads that come and go
LARGE = 16  # requests with more than BUFFERED that may be on their way at once
BUFFERED = 1 << 18  # bytes of a body that are waited for outside the threads that answer
SWITCH_SECONDS = 0.001  # a request waits this long for the interpreter while digest computes
HEADER_TIMEOUT_MS = 15_000
STOP_SECONDS = 30  # for requests under way, when asked to end
# granian has handlers of its own on standard output; its lines are to look like all others.
LOGGING: dict[str, Any] = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {}}}
CGI = ("HTTP_", "SERVER_", "REQUEST_", "REMOTE_", "PATH_INFO", "QUERY_", "CONTENT_", "SCRIPT_")


def serve(
    make_app: Callable[[], Flask],
    *,
    host: str,
    port: int,
    threads: int,
    ready: Callable[[Flask, str], None],
    closing: Callable[[Flask], None],
) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those under way.

    `ready` is called with the app and its address once requests are taken, `closing` after the
    last answer; both in this thread. Port 0 takes a free one. Raises ConfigError when the address
    cannot be had.
    """
    listener = _listener(host, port)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = make_app()
    address = f"[{host}]" if ":" in host else host
    url = f"http://{address}:{listener.getsockname()[1]}"
    server = OneProcess(listener)
    server.on_startup(lambda: ready(app, url))
    server.on_shutdown(lambda: closing(app))
    server.serve(target_loader=lambda: Entry(front(app), threads), wrap_loader=False)


class OneProcess(MTServer):
    """granian with its worker as a thread of this process, under the interpreter's usual lock.

    Its other server spawns a process for the worker, but telemetry databases belong to one process,
    and a second one costs memory and outlives a parent that is killed. granian asks for an
    interpreter without the lock here because it expects several such workers; one is what the
    process of its other server runs as well.
    """

    def __init__(self, listener: socket.socket) -> None:
        """Take over the listening socket."""
        super().__init__(
            "console",
            interface=Interfaces.WSGI,
            blocking_threads=SENDERS,
            backlog=BACKLOG,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
            websockets=False,
            log_level=LogLevels.error,
            log_dictconfig=LOGGING,
            workers_kill_timeout=STOP_SECONDS,
        )
        self._listener = listener

    def _check_gil(self) -> None:
        """Run under the lock."""

    def _init_shared_socket(self) -> None:
        # granian binds with SO_REUSEPORT: a second console would take half of this one's requests.
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), False, BACKLOG)


class Entry:
    """What granian calls: at most `threads` requests at a time, of which the beginning is here.

    Granian gives a request a thread as soon as its headers are read, so as many slow senders as
    there are threads would keep everybody out. Here they wait in threads of their own; those of
    large bodies, which cost memory, only wait for each other.
    """

    def __init__(self, app: "WSGIApplication", threads: int) -> None:
        """`app` answers."""
        self._app = app
        self._room = threading.BoundedSemaphore(threads)
        self._large = threading.BoundedSemaphore(LARGE)
        # granian puts the process's environment into every request, SECRET_KEY included.
        self._foreign = [name for name in os.environ if not name.startswith(CGI)]

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        for name in self._foreign:
            environ.pop(name, None)
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            with self._room:
                return self._app(environ, start_response)
        body = environ["wsgi.input"] = Body(environ["wsgi.input"], self._room, self._large)
        try:
            with self._room:
                return self._app(environ, start_response)
        finally:
            body.forget()


class Body(RawIOBase):
    """A request's body, of which up to BUFFERED bytes are read when it is made.

    While the rest is waited for, the request gives its place in the room away, and takes one of
    the few for large bodies.
    """

    def __init__(
        self, stream: Any, room: threading.BoundedSemaphore, large: threading.BoundedSemaphore
    ) -> None:
        """Wait for the beginning of `stream`."""
        self._rest = stream
        self._room = room
        self._large = large
        self._is_large = self._ended = False
        self._start = b""
        while not self._ended and len(self._start) < BUFFERED:
            part = stream.read(BUFFERED - len(self._start))
            self._start += part
            self._ended = not part

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._start[: len(buffer)] or self._later(len(buffer))
        self._start = self._start[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def forget(self) -> None:
        """Let the next large body come."""
        self._start = b""
        if self._is_large:
            self._is_large = False
            self._large.release()

    def _later(self, size: int) -> bytes:
        if self._ended:
            return b""
        self._room.release()
        try:
            if not self._is_large:
                self._large.acquire()
                self._is_large = True
            part: bytes = self._rest.read(size)
        finally:
            self._room.acquire()
        self._ended = not part
        return part


def _listener(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise ConfigError(f"cannot listen on {host}:{port}: ports end at 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
