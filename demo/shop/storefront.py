"""What a visitor looks at: products, search, orders; quicker in some editions than in others."""

import time
from typing import Any

import sentry_sdk
from flask import (
    Blueprint,
    abort,
    current_app,
    g,
    redirect,
    render_template_string,
    request,
    session,
    url_for,
)
from sqlalchemy import func, select, text
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from demo.shop.models import Category, Customer, Line, Order, Product

bp = Blueprint("storefront", __name__)
PAGE = "<title>The shop</title><ul>{% for name in names %}<li>{{ name }}{% endfor %}</ul>"
cached: dict[str, tuple[float, list[str]]] = {}
sold = select(func.sum(Line.quantity)).where(Line.product_id == Product.id).scalar_subquery()
sales = (
    select(Line.product_id, func.sum(Line.quantity).label("pieces"))
    .group_by(Line.product_id)
    .subquery()
)


@bp.get("/")
def home() -> str:
    names = newest()
    with sentry_sdk.start_span(op="template.render", name="home.html"):
        return render_template_string(PAGE, names=names)


def newest() -> list[str]:
    """Return what is new, from a cache for some seconds."""
    with sentry_sdk.start_span(op="cache.get", name="newest") as span:
        since, names = cached.get("newest", (0.0, []))
        is_fresh = time.monotonic() - since < 3
        span.set_data("cache.key", ["newest"])
        span.set_data("cache.hit", is_fresh)
    if not is_fresh:
        names = list(g.db.scalars(select(Product.name).order_by(Product.id.desc()).limit(12)))
        cached["newest"] = (time.monotonic(), names)
    return names


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
    """Sorts by name; since 2.1.0 by sales, counted anew for each product until 2.1.1."""
    page = int(request.args.get("page", "1"))
    query = select(Product)
    if edition() == (2, 1, 0):
        query = query.order_by(func.coalesce(sold, 0).desc())
    elif edition() > (2, 1, 0):
        query = query.outerjoin(sales, sales.c.product_id == Product.id)
        query = query.order_by(func.coalesce(sales.c.pieces, 0).desc())
    listed = g.db.scalars(query.order_by(Product.name).offset(page * 24 - 24).limit(24))
    return {"products": [{"name": p.name, "price": p.price_cents} for p in listed]}


@bp.get("/products/<int:product_id>")
def product(product_id: int) -> dict[str, Any]:
    row = g.db.get(Product, product_id) or abort(404)
    return {"name": row.name, "category": row.category.path(), "stock": row.stock}


@bp.get("/categories/<int:category_id>")
def category(category_id: int) -> dict[str, Any]:
    row = g.db.get(Category, category_id) or abort(404)
    return {"path": row.path()}


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
    """Shows the latest orders; until 2.1.1 with a query for each customer, line and product."""
    query = select(Order).order_by(Order.placed_at.desc()).limit(15)
    if edition() >= (2, 1, 1):
        lines = selectinload(Order.lines).selectinload(Line.product)
        query = query.options(selectinload(Order.customer), lines)
    latest = g.db.scalars(query).all()
    return {
        "orders": [
            {
                "customer": order.customer.name,
                "lines": [f"{line.quantity} × {line.product.name}" for line in order.lines],
            }
            for order in latest
        ]
    }


@bp.get("/bestsellers")
def bestsellers() -> dict[str, Any]:
    """New in 2.1.0, and still with a query for each of the products."""
    best = select(sales.c.product_id).order_by(sales.c.pieces.desc()).limit(16)
    ids = g.db.scalars(best).all() if edition() >= (2, 1, 0) else abort(404)
    return {"products": [g.db.get_one(Product, product_id).name for product_id in ids]}


def edition() -> tuple[int, ...]:
    """Which release of the shop this is."""
    return tuple(int(part) for part in current_app.config["EDITION"].split("."))


@bp.get("/account/address")
def address() -> dict[str, Any]:
    customer = g.db.get(Customer, session.get("customer", 5))
    return {"city": customer.address.city.upper()}


@bp.post("/signup")
def signup() -> dict[str, Any]:
    g.db.add(Customer(email=request.form["email"], name=request.form["name"]))
    g.db.commit()
    return {"welcome": request.form["name"]}
