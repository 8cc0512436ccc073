"""Imports, reports and nightly work: what breaks when nobody looks."""

import csv
import io
import threading
import time
from collections.abc import Callable
from typing import Any

import sentry_sdk
from flask import Blueprint, g, request
from sqlalchemy import select, text

from demo.shop.models import Product

bp = Blueprint("back_office", __name__, url_prefix="/admin")


class LedgerError(Exception):
    """The books do not balance."""


@bp.post("/import")
def import_products() -> dict[str, Any]:
    """Read a price list; suppliers send what their spreadsheets call CSV."""
    rows = list(csv.reader(io.StringIO(request.get_data().decode())))
    return {"prices": [float(row[1]) for row in rows]}


@bp.get("/report")
def report() -> dict[str, Any]:
    """Count the sales of each day with a query that is older than the schema."""
    column = request.args.get("by", "placed_at")
    rows = g.db.execute(
        text(f'SELECT date("order".{column}) AS day, count(*) FROM "order" GROUP BY day LIMIT 7')  # noqa: S608 - the shop's mistake
    )
    return {"days": [list(row) for row in rows]}


@bp.get("/turnover")
def turnover() -> dict[str, Any]:
    """Add up what was sold until each order, comparing every line with every other."""
    rows = g.db.execute(
        text(
            "WITH sold AS (SELECT o.placed_at, l.quantity * p.price_cents AS cents"
            ' FROM line l JOIN "order" o ON o.id = l.order_id JOIN product p ON p.id = l.product_id'
            " WHERE o.id > 200)"
            " SELECT a.placed_at, sum(b.cents) AS so_far FROM sold a"
            " JOIN sold b ON b.placed_at <= a.placed_at GROUP BY a.placed_at ORDER BY 1 DESC"
        )
    ).all()
    return {"orders": len(rows), "so_far": rows[0].so_far}


@bp.post("/restock")
def restock_sold() -> dict[str, Any]:
    """Fill up what was sold with an update that reads all lines for every product."""
    changed = g.db.execute(
        text(
            "UPDATE product SET stock = min(30, stock + (SELECT count(*) FROM line"
            " WHERE line.product_id + 0 = product.id AND line.quantity > 1))"
        )
    ).rowcount
    g.db.commit()
    return {"changed": changed}


@bp.get("/export")
def export() -> dict[str, Any]:
    """Write the price list for a partner, which the SDK sees nothing of: a gap in the trace."""
    prices = g.db.execute(select(Product.name, Product.price_cents).limit(200)).all()
    time.sleep(0.7)  # the partner's format is laborious
    stock = g.db.scalars(select(Product.stock).limit(200)).all()
    return {"rows": len(prices), "pieces": sum(stock)}


@bp.get("/ledger")
def ledger() -> dict[str, Any]:
    """Compare the books; a difference is a case for a person at once."""
    difference = g.db.scalar(text("SELECT count(*) FROM line")) - 1_800
    if difference or request.args.get("strict"):
        with sentry_sdk.new_scope() as scope:
            scope.set_level("fatal")
            scope.set_tag("book", "sales")
            sentry_sdk.capture_exception(LedgerError("sales ledger out of balance"))
    return {"difference": difference}


@bp.post("/nightly")
def nightly() -> dict[str, Any]:
    """Run the night's work: one part in a thread of its own, the rest collected."""
    worker = threading.Thread(target=send_newsletter, name="newsletter")
    worker.start()
    worker.join()
    failed = [error for step in (restock, reindex) if (error := attempt(step))]
    if failed:
        raise ExceptionGroup("nightly work", failed)
    return {"done": True}


def send_newsletter() -> None:
    """Talk to a mail server that takes its time."""
    raise TimeoutError("mail.shop.example did not answer within 10 s")


def attempt(step: Callable[[], object]) -> Exception | None:
    """Return what went wrong, if anything."""
    try:
        step()
    except Exception as error:  # noqa: BLE001 - collected, and raised together
        return error
    return None


def restock() -> int:
    """Order what is short; assumes that something is."""
    short = g.db.scalars(select(Product).where(Product.stock < 0)).all()
    first: int = short[0].id
    return first


def reindex() -> int:
    """Add up sizes that were kept as text."""
    return sum(["12", 3])  # type: ignore[list-item]
