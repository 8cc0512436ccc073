"""How the apps of the tests run: until their standard input ends, so that no test leaves one."""

import os
import sys
from threading import Thread
from typing import Any
from wsgiref.types import WSGIApplication

import sentry_sdk
from werkzeug.serving import make_server


def report(**options: Any) -> None:
    """Start the unmodified SDK in a trace life cycle, and an environment of its name."""
    lifecycle = os.environ["LIFECYCLE"]
    sentry_sdk.init(
        dsn=os.environ["DSN"],
        release="books@1.0.0",
        traces_sample_rate=float(os.environ["SAMPLE_RATE"]),
        trace_lifecycle="stream" if lifecycle == "stream" else "static",
        environment=lifecycle,
        **options,
    )


def serve(app: WSGIApplication) -> None:
    """Serve a WSGI app on a free port, and print which."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    print(server.port, flush=True)
    sys.stdin.read()
    server.shutdown()
    thread.join()
    server.server_close()
    sentry_sdk.flush(10)
