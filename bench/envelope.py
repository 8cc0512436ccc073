"""One real exception envelope of an unmodified sentry-sdk, caught by a local listener.

Two chained exceptions, 17 unlike frames with source and locals, 40 breadcrumbs, request, user and
contexts: 39 kB, 7 kB gzipped. With --small: one exception of seven frames without source, locals
or breadcrumbs, of 2 to 3 kB.

    python bench/envelope.py FILE [--small]
"""

import argparse
import configparser
import csv
import email.message
import gzip
import http.client
import http.cookiejar
import http.server
import logging
import pickle
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import sentry_sdk

MODULES: list[ModuleType] = [
    argparse, configparser, csv, email.message, http.client, http.cookiejar, logging, pickle,
    shutil, socket, subprocess, tarfile, threading, uuid,
]  # fmt: skip
ORDER = {"id": 991, "discount": 0, "lines": [{"price": 10.0, "sku": "x" * 20}] * 5}
DEPTH = 14


class Listener(http.server.BaseHTTPRequestHandler):
    """Keeps the bodies that it is sent."""

    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.bodies.append(gzip.decompress(body) if packed else body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def captured(*, small: bool = False) -> bytes:
    """The envelope, uncompressed."""
    Listener.bodies = []
    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sentry_sdk.init(
        f"http://{uuid.uuid4().hex}@127.0.0.1:{server.server_port}/1",
        release="shop@4.2.1",
        environment="production",
        server_name="web-3",
        attach_stacktrace=True,
        send_default_pii=True,
        before_send=None if small else with_unlike_frames,  # type: ignore[arg-type]
        include_local_variables=not small,
        include_source_context=not small,
        default_integrations=not small,
        send_client_reports=False,
        auto_session_tracking=False,
        _experiments={"transport_compression_algo": "gzip"},  # type: ignore[typeddict-item]
    )
    if not small:
        add_context()
    try:
        layer(6 if small else DEPTH, ORDER)
    except ValueError as error:
        sentry_sdk.capture_exception(error)
    sentry_sdk.get_client().close(timeout=5)
    server.shutdown()
    server.server_close()
    return Listener.bodies[0]


def add_context() -> None:
    for number in range(40):
        sentry_sdk.add_breadcrumb(
            category="query" if number % 2 else "http",
            level="info",
            type="default",
            message="SELECT id, total, state FROM orders WHERE customer_id = %s LIMIT %s",
            data={"duration_ms": number * 1.7, "rows": number, "host": f"db-{number % 3}.internal"},
        )
    sentry_sdk.set_user({"id": "4711", "email": "someone@example.com", "ip_address": "203.0.113.9"})
    sentry_sdk.set_tag("tenant", "acme")
    sentry_sdk.set_context("order", {"id": 991, "lines": 3, "total": 129.95})


def layer(depth: int, order: dict[str, Any]) -> object:
    context = {"depth": depth, "note": f"some local state {depth}", "items": list(range(10))}
    if depth == 0:
        try:
            return order["lines"][0]["price"] / order["discount"]
        except ZeroDivisionError as error:
            raise ValueError(f"cannot price order {order['id']}") from error
    return layer(depth - 1, order) if context else None


def with_unlike_frames(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Real traces do not repeat one function: take the frames from all over the library."""
    frames = [f for v in event["exception"]["values"] for f in v["stacktrace"]["frames"]]
    for number, frame in enumerate(frames):
        module = MODULES[number % len(MODULES)]
        text = Path(str(module.__file__)).read_text(encoding="utf-8").splitlines()
        source = [line[:120] for line in text[150 + number : 161 + number]]
        frame.update(
            pre_context=source[:5],
            context_line=source[5],
            post_context=source[6:],
            module=module.__name__,
            lineno=156 + number,
            function=f"step_{number:02d}_{module.__name__}",
            filename=f"{module.__name__}.py",
            abs_path=f"/app/lib/{module.__name__}.py",
        )
    cart = [{"sku": f"sku-{n:04d}", "qty": n % 4 + 1, "price": 9.99 + n} for n in range(12)]
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
    event["request"] = {
        "url": "https://shop.example.com/checkout",
        "method": "POST",
        "query_string": "step=pay",
        "headers": {"User-Agent": agent, "X-Request-Id": "f" * 32, "Host": "shop.example.com"},
        "env": {"REMOTE_ADDR": "203.0.113.9", "SERVER_NAME": "web-3", "SERVER_PORT": "443"},
        "data": {"cart": cart},
    }
    return event


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(captured(small="--small" in sys.argv))
