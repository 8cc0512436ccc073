"""A web server on loopback that answers as a test wants, however badly."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import repeat

Answer = Callable[[socket.socket, bytes], None]


class Peer:
    """A server on loopback that answers each connection as a function of the path says."""

    def __init__(
        self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._scheme = "https" if tls else "http"
        self.answers: dict[str, Answer] = {}
        self.requests: list[bytes] = []
        self._host = host
        self._socket = socket.create_server((host, port), backlog=1_000)
        if tls:
            self._socket = tls.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)  # ends the accept that waits in the thread
        self._socket.close()

    def url(self, path: str = "/") -> str:
        return f"{self._scheme}://{self._host}:{self.port}{path}"

    def _serve(self) -> None:
        with suppress(OSError):
            for connection, _ in iter(self._socket.accept, None):
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            request = connection.recv(65_536)
            self.requests.append(request)
            path = request.split(b" ")[1].decode(errors="replace") if b" " in request else ""
            self.answers.get(path, plain(b"hello"))(connection, request)


def plain(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    head = "".join(f"{line}\r\n" for line in headers)
    whole = f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    return lambda connection, _: connection.sendall(whole)


def redirect(to: str, status: str = "302 Found") -> Answer:
    return plain(b"", status, f"Location: {to}")


def endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for chunk in repeat(b"x" * 65_536):
        connection.sendall(chunk)


def dripping(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _second in range(50):
        connection.sendall(b"x")
        time.sleep(0.1)
