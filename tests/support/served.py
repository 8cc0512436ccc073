"""A console or another app of the tests' own process on a port, for a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.waiting import until


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve it on a free port for as long as the block lasts; gives its address.

    At the end all requests are answered: a page goes on asking, and what it asks for would reach
    the stores of the next test.
    """
    answering: list[object] = []

    class Handler(WSGIRequestHandler):
        """Notes what is being answered, and writes no log: pytest closes what it would write to."""

        def run_wsgi(self) -> None:
            answering.append(self)
            try:
                super().run_wsgi()
            finally:
                answering.remove(self)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        until(lambda: not answering, "the end of all requests")
