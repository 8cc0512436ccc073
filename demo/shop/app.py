"""The shop: an ordinary small Flask program that reports to a DSN."""

import logging
from typing import Any

import sentry_sdk
from flask import Flask, g, session
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from demo.shop import back_office, checkout, delivery, storefront
from demo.shop.models import Base, Customer
from demo.shop.stock import fill


def create_shop(*, database: str, dsn: str, release: str, environment: str) -> Flask:
    """Return the shop, with the unmodified SDK in it as its documentation says."""
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        traces_sampler=share_recorded,
        send_default_pii=True,
        db_query_source_threshold_ms=0,
    )
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = Flask(__name__)
    app.config["EDITION"] = release.partition("@")[2]
    app.secret_key = "the shop keeps no secrets"  # noqa: S105
    engine = create_engine(f"sqlite:///{database}")
    sessions = sessionmaker(engine)
    Base.metadata.create_all(engine)
    with sessions() as new:
        if new.get(Customer, 1) is None:
            fill(new)
    app.before_request(lambda: begin(sessions))
    app.teardown_request(lambda _error: g.db.close())
    for part in (storefront, checkout, delivery, back_office):
        app.register_blueprint(part.bp)
    return app


def share_recorded(context: dict[str, Any]) -> float:
    """Trace every visit, and one of four letters that are sent in the background."""
    return 0.25 if context["transaction_context"].get("op") == "queue.task" else 1.0


def begin(sessions: sessionmaker[Session]) -> None:
    """Open the request's database session and tell the SDK who is here."""
    g.db = sessions()
    visitor = session.get("visitor")
    if visitor:
        sentry_sdk.set_user(visitor)
        sentry_sdk.set_tag("plan", visitor["plan"])
