"""A small Flask shop with SQLAlchemy, for unmodified sentry-sdk in both trace life cycles."""

import logging
import sys

import sentry_sdk
from flask import Flask, abort
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

log = logging.getLogger("shop")


def make_shop() -> Flask:
    shop = Flask("shop")
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @shop.get("/books/<int:book>")
    def books(book: int) -> dict[str, object]:
        with engine.connect() as connection:
            row = connection.execute(text("select :book as id, 'lit' as title"), {"book": book})
            found = row.one()
        log.info("looked up a book")
        return {"id": found.id, "title": found.title}

    @shop.post("/checkout")
    def checkout() -> dict[str, object]:
        password = "hunter2-planted"  # noqa: F841 - a local variable to be scrubbed
        cart = {"total": 0, "items": 3}
        return {"average": cart["items"] / cart["total"]}

    @shop.get("/teapot")
    def teapot() -> str:
        abort(418)

    return shop


if __name__ == "__main__":
    sentry_sdk.init(
        sys.argv[1],
        release="shop@1.4.2",
        environment="staging",
        server_name="web-1",
        send_default_pii=True,
        traces_sample_rate=1.0,
        trace_lifecycle="stream" if sys.argv[2] == "stream" else "static",
        shutdown_timeout=10,
    )
    client = make_shop().test_client()
    sentry_sdk.set_user({"id": "17", "email": "ada@example.com"})
    client.get("/books/7?page=2&token=planted-token", headers={"Cookie": "session=planted-cookie"})
    client.get("/books/8")
    client.get("/nowhere")
    client.get("/teapot")
    client.post("/checkout", json={"card": "4111 1111 1111 1111", "password": "planted-body"})
    log.error("checkout of cart %s failed", 17)
    sentry_sdk.flush(10)
