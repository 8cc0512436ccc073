"""A real Flask app with the unmodified sentry-sdk whose checkout raises; its port is printed."""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import sentry_sdk
from flask import Flask

sentry_sdk.init(sys.argv[1], release=sys.argv[2], environment="production")
app = Flask(__name__)


@app.get("/checkout/<int:order>")
def checkout(order: int) -> str:
    basket = {"lines": order, "currency": "EUR"}
    return str(price_of(basket, discount=0))


def price_of(basket: dict[str, object], *, discount: int) -> float:
    return 100 / discount


class Quiet(WSGIRequestHandler):
    """Leaves standard error to real trouble."""

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
