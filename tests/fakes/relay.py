"""Stands between a client and the console: passes requests on, and can send them again."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "host", "transfer-encoding", "content-length"}


class Relay(ThreadingHTTPServer):
    """Keeps every POST: path, headers and body as they came."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        """Listen on a free port for requests to `target`."""
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = urlsplit(target).netloc
        self.kept: list[tuple[str, dict[str, str], bytes]] = []

    def dsn(self, dsn: str) -> str:
        """Return the DSN with this relay in the console's place."""
        parts = urlsplit(dsn)
        return f"http://{parts.username}@127.0.0.1:{self.server_port}{parts.path}"

    def send(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Pass one request on and return the answer."""
        connection = http.client.HTTPConnection(self.target, timeout=10)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def send_again(self) -> None:
        """Send all that was kept once more, as a client that lost our answers would."""
        for path, headers, body in list(self.kept):
            status, text = self.send(path, headers, body)
            assert status == 200, text


class _Passing(BaseHTTPRequestHandler):
    server: Relay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        self.server.kept.append((self.path, headers, body))
        status, text = self.server.send(self.path, headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def between(target: str) -> Iterator[Relay]:
    """Relay for as long as the test runs."""
    with Relay(target) as relay:
        thread = threading.Thread(target=relay.serve_forever)
        thread.start()
        yield relay
        relay.shutdown()
        thread.join()
