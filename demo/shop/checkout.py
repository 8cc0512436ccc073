"""From the cart to the payment, with the mistakes that were made on the way."""

import json
import logging
import os
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import sentry_sdk
from flask import Blueprint, g, request, session
from sqlalchemy import func, select

from demo.shop.delivery import send_receipt
from demo.shop.models import Line, Product

bp = Blueprint("checkout", __name__)
log = logging.getLogger("shop.checkout")

RATES = {"FR": 0.2, "BE": 0.21, "PT": 0.23, "IT": 0.22}
# Nobody listens there: the payment provider that is always down.
PROVIDER = os.environ.get("SHOP_PAYMENTS", "http://127.0.0.1:9/charges")


class PriceError(Exception):
    """An order that cannot be priced."""


class PaymentDeclinedError(Exception):
    """The bank said no."""

    def __init__(self, code: str) -> None:
        super().__init__(f"payment declined: {code}")
        self.code = code


@bp.post("/cart/<int:product_id>")
def add_to_cart(product_id: int) -> dict[str, Any]:
    product = g.db.get_one(Product, product_id)
    quantity = int(request.form["quantity"])
    left = product.stock - quantity
    if left < 0:
        log.error("Stock of %s is %d pieces short", product.name, -left)
    session["cart"] = [*session.get("cart", []), [product_id, quantity]][-5:]
    return {"left": left}


@bp.post("/cart/coupon")
def coupon() -> dict[str, Any]:
    code = request.form["code"]
    if code.startswith("OLD"):
        sentry_sdk.capture_message(f"Coupon {code} has expired", level="warning")
        return {"discount": 0}
    total = sum(quantity for _, quantity in session.get("cart", []))
    return {"discount": 100 // total}


@bp.post("/checkout")
def check_out() -> dict[str, Any]:
    lines = session.get("cart") or [[1, 1]]
    total = price(lines, request.form["country"])
    pay(total, request.form["card"])
    with sentry_sdk.start_span(op="shop.stock", name="reserve stock"):
        sold = g.db.scalar(select(func.count(Line.id)).where(Line.product_id == lines[0][0]))
    send_receipt(g.db.get_bind(), lines)
    return {"total": total, "sold": sold}


def price(lines: list[list[int]], country: str) -> int:
    """Total in cents with the country's tax."""
    net: int = sum(g.db.get_one(Product, product).price_cents * n for product, n in lines)
    try:
        rate = RATES[country]
    except KeyError as error:
        raise PriceError(f"no tax rate for {country}") from error
    return round(net * (1 + rate))


def pay(total: int, card: str) -> None:
    """Charge the card; what the provider does not take now is charged at night."""
    if card.startswith("4000"):
        with sentry_sdk.new_scope() as scope:
            error = PaymentDeclinedError("insufficient_funds" if card[-1] == "1" else "lost_card")
            scope.fingerprint = ["payment-declined", error.code]
            scope.set_context("payment", {"total": total, "attempt": 1})
            sentry_sdk.capture_exception(error)
        return
    if card.startswith("5000"):
        charge = Request(PROVIDER, json.dumps({"total": total}).encode())
        try:
            urlopen(charge, timeout=1).close()
        except URLError:
            log.exception("The payment provider does not answer")


@bp.post("/webhooks/payments")
def payment_webhook() -> dict[str, Any]:
    """Trusts that a webhook is JSON with an amount."""
    booking = json.loads(request.get_data(as_text=True))
    return {"booked": booking["amount"] + 1}
