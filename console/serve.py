"""The serving process: granian's event loop and the console in one process."""

import asyncio
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.embed import Server

from console.core.config import ConfigError
from console.ingest.front.rsgi import Front

BACKLOG = 1024
CONNECTIONS = 12_288  # open at once, 9 kB each, idle ones included; others wait in the kernel
# What each may hold beyond that: its header as far as it has come (400 MB in all, at worst), and
# what it has not read of its answers, which the kernel lets grow to 4 MB otherwise.
HEADER_BYTES = 32 << 10
UNREAD_BYTES = 128 << 10
FILES = 65_536  # descriptors that are asked for, where the system lets us
OWN_FILES = 128  # of databases, the spool, telemetry, what goes out
SWITCH_SECONDS = 0.001  # a request waits this long for the interpreter while digest computes
# For a whole header, and between two requests of a connection.
HEADER_TIMEOUT_MS = 15_000
# Who takes nothing of an answer for so long, or is gone without a word, is let go by the kernel.
UNREAD_MS = 30_000
STOP_SECONDS = 30  # for requests under way, when asked to end
# granian has handlers of its own on standard output; its lines are to look like all others.
LOGGING: dict[str, Any] = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {}}}


def serve(
    make_app: Callable[[], Flask],
    *,
    host: str,
    port: int,
    threads: int,
    ready: Callable[[Flask, str], None],
    closing: Callable[[Flask], None],
) -> None:
    """Answer requests until SIGTERM, SIGINT or SIGHUP, then finish those under way.

    `ready` is called with the app and its address once requests are taken, `closing` after the
    last answer; both in this thread. Port 0 takes a free one. Raises ConfigError when the address
    cannot be had.
    """
    listener = _listener(host, port)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = make_app()
    address = f"[{host}]" if ":" in host else host
    url = f"http://{address}:{listener.getsockname()[1]}"
    asyncio.run(_serve(Front(app, threads), listener, lambda: ready(app, url)))
    closing(app)


async def _serve(front: Front, listener: socket.socket, ready: Callable[[], None]) -> None:
    server = OneProcess(front, listener)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        front.close()
        server.stop()  # type: ignore[no-untyped-call]

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # the last: its terminal is gone
        if signal.getsignal(name) != signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(name, stop)
    server.on_startup(ready)
    await server.serve()


class OneProcess(Server):
    """granian embedded in this process: telemetry databases belong to one, and it costs memory."""

    def __init__(self, application: Callable[..., Any], listener: socket.socket) -> None:
        """Take over the listening socket."""
        super().__init__(
            application,
            interface=Interfaces.RSGI,
            backlog=BACKLOG,
            backpressure=_connections(),
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=HEADER_BYTES
            ),
            websockets=False,
            log_level=LogLevels.error,
            log_dictconfig=LOGGING,
        )
        self.workers_kill_timeout = STOP_SECONDS
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # granian binds with SO_REUSEPORT: a second console would take half of this one's requests.
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), False, BACKLOG)


def _connections() -> int:
    """How many connections there may be: granian accepts no more for good once files run out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    spare = soft - len(list(Path("/dev/fd").iterdir()))
    return min(CONNECTIONS, max(spare - OWN_FILES, spare // 2, 1))


def _listener(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise ConfigError(f"cannot listen on {host}:{port}: ports end at 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    # Connections inherit these.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return listener
