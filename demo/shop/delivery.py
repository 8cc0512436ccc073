"""What happens after the order: carriers are asked for their prices, receipts are sent."""

import json
import threading
from typing import Any
from urllib.request import urlopen

import sentry_sdk
from flask import Blueprint, request
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from demo.shop.models import Product

bp = Blueprint("delivery", __name__)
CARRIERS = 6


@bp.get("/delivery")
def prices() -> dict[str, Any]:
    """Compares carriers, asking one after the other: a call repeated in a loop."""
    cents = []
    for number in range(1, CARRIERS + 1):
        with urlopen(f"{request.host_url}carriers/{number}/price", timeout=10) as answer:
            cents.append(json.load(answer)["cents"])
    return {"cheapest": min(cents)}


@bp.get("/carriers/<int:number>/price")
def price(number: int) -> dict[str, Any]:
    """What another company would answer, were this no demonstration."""
    return {"carrier": number, "cents": 390 + number * 37 % 100}


def send_receipt(engine: Engine, lines: list[list[int]]) -> None:
    """Write the customer a letter, in the background."""
    threading.Thread(target=write_receipt, args=(engine, lines), name="receipts").start()


def write_receipt(engine: Engine, lines: list[list[int]]) -> None:
    with (
        sentry_sdk.start_transaction(op="queue.task", name="receipts.send", source="task"),
        Session(engine) as session,
    ):
        ids = [product_id for product_id, _ in lines]
        names = session.scalars(select(Product.name).where(Product.id.in_(ids))).all()
        with sentry_sdk.start_span(op="template.render", name="receipt.txt"):
            "\n".join(names).encode()
