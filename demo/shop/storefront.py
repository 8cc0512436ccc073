"""What a visitor looks at: products, search, orders (one query for each line of the page)."""

from typing import Any

import sentry_sdk
from flask import Blueprint, abort, g, redirect, request, session, url_for
from sqlalchemy import select, text
from werkzeug.wrappers import Response

from demo.shop.models import Category, Customer, Order, Product

bp = Blueprint("storefront", __name__)


@bp.get("/")
def home() -> dict[str, Any]:
    newest = g.db.scalars(select(Product).order_by(Product.id.desc()).limit(12))
    return {"products": [product.name for product in newest]}


@bp.post("/login")
def login() -> Response:
    number, name = int(request.form["id"]), request.form["name"]
    session["visitor"] = {
        "id": f"u-{number:04}",
        "email": f"{name.lower()}.{number}@shop.example",
        "username": name,
        "plan": "trade" if number % 4 == 0 else "private",
    }
    session["customer"] = number % 200 + 1
    return redirect(url_for(".home"))


@bp.get("/products")
def products() -> dict[str, Any]:
    page = int(request.args.get("page", "1"))
    found = g.db.scalars(select(Product).order_by(Product.name).offset(page * 24 - 24).limit(24))
    return {"products": [{"name": p.name, "price": p.price_cents} for p in found]}


@bp.get("/products/<int:product_id>")
def product(product_id: int) -> dict[str, Any]:
    found = g.db.get(Product, product_id) or abort(404)
    return {"name": found.name, "category": found.category.path(), "stock": found.stock}


@bp.get("/categories/<int:category_id>")
def category(category_id: int) -> dict[str, Any]:
    found = g.db.get(Category, category_id) or abort(404)
    return {"path": found.path()}


@bp.get("/search")
def search() -> dict[str, Any]:
    """Scans every text twice: the slow query that a trace should show."""
    wanted = f"%{request.args['q']}%"
    with sentry_sdk.start_span(op="shop.rank", name="rank the products"):
        rows = g.db.execute(
            text(
                "SELECT p.name, (SELECT count(*) FROM product o WHERE o.text LIKE p.text"
                " AND o.category_id = p.category_id) AS rank"
                " FROM product p WHERE p.text LIKE :wanted ORDER BY rank DESC LIMIT 5"
            ),
            {"wanted": wanted},
        ).all()
    return {"found": [row.name for row in rows]}


@bp.get("/orders")
def orders() -> dict[str, Any]:
    """Shows the latest orders, asking the database anew for each customer, line and product."""
    latest = g.db.scalars(select(Order).order_by(Order.placed_at.desc()).limit(15)).all()
    return {
        "orders": [
            {
                "customer": order.customer.name,
                "lines": [f"{line.quantity} × {line.product.name}" for line in order.lines],
            }
            for order in latest
        ]
    }


@bp.get("/account/address")
def address() -> dict[str, Any]:
    customer = g.db.get(Customer, session.get("customer", 5))
    return {"city": customer.address.city.upper()}


@bp.post("/signup")
def signup() -> dict[str, Any]:
    g.db.add(Customer(email=request.form["email"], name=request.form["name"]))
    g.db.commit()
    return {"welcome": request.form["name"]}
