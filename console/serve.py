"""The serving process: granian's WSGI worker and the console in one process."""

import os
import socket
import sys
from collections.abc import Callable, Iterable
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
SWITCH_SECONDS = 0.001  # a request waits this long for the interpreter while digest computes
HEADER_TIMEOUT_MS = 15_000
STOP_SECONDS = 30  # for requests under way, when asked to end
# What granian makes of the process's environment is CGI's; the rest must not be in every request.
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
    sys.setswitchinterval(SWITCH_SECONDS)
    listener = _listener(host, port)
    app = make_app()
    address = f"[{host}]" if ":" in host else host
    url = f"http://{address}:{listener.getsockname()[1]}"
    server = OneProcess(listener, threads)
    server.on_startup(lambda: ready(app, url))
    server.on_shutdown(lambda: closing(app))
    server.serve(target_loader=lambda: without_process_environment(front(app)), wrap_loader=False)


class OneProcess(MTServer):
    """granian with its worker as a thread of this process, under the interpreter's usual lock.

    Its other server spawns a process for the worker, but telemetry databases belong to one process,
    and a second one costs memory and outlives a parent that is killed. granian asks for an
    interpreter without the lock here because it expects several such workers; one is what the
    process of its other server runs as well.
    """

    def __init__(self, listener: socket.socket, threads: int) -> None:
        """Take over the listening socket."""
        super().__init__(
            "console",
            interface=Interfaces.WSGI,
            blocking_threads=threads,
            backlog=BACKLOG,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
            websockets=False,
            log_level=LogLevels.error,
            workers_kill_timeout=STOP_SECONDS,
        )
        self._listener = listener

    def _check_gil(self) -> None:
        """Run under the lock."""

    def _init_shared_socket(self) -> None:
        # granian binds with SO_REUSEPORT: a second console would take half of this one's requests.
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), False, BACKLOG)


def without_process_environment(app: "WSGIApplication") -> Callable[..., Iterable[bytes]]:
    """The app, its requests without SECRET_KEY and what else the process was started with."""
    foreign = [name for name in os.environ if not name.startswith(CGI)]

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        for name in foreign:
            environ.pop(name, None)
        return app(environ, start_response)

    return answer


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
