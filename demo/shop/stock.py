"""Fills an empty shop: the same one every time."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from demo.shop.models import Address, Category, Customer, Line, Order, Product

KINDS = ["Knife", "Kettle", "Lamp", "Mug", "Notebook", "Pan", "Scarf", "Stool", "Teapot", "Towel"]
MAKES = ["Ash", "Brass", "Cedar", "Copper", "Indigo", "Linen", "Oak", "Slate", "Steel", "Walnut"]
WORDS = ["warm", "plain", "heavy", "quiet", "honest", "folded", "polished", "everyday"]
PRODUCTS, CUSTOMERS, ORDERS = 2_000, 200, 600


def fill(session: Session) -> None:
    """Add categories (two of which contain each other), products, customers and orders."""
    random = Random(7)
    home = Category(id=1, name="Home")
    shelves = [Category(name=kind + "s", parent=home) for kind in KINDS]
    session.add_all([home, *shelves])
    session.add_all([Category(id=98, name="Sale", parent_id=99), Category(id=99, name="Offers")])
    session.flush()
    session.get_one(Category, 99).parent_id = 98
    products = [product(random, shelves, number) for number in range(PRODUCTS)]
    session.add_all(products)
    for number in range(1, CUSTOMERS + 1):
        customer = Customer(id=number, email=f"customer{number}@shop.example", name=f"C. {number}")
        if number % 5:
            customer.address = Address(city=random.choice(["Lyon", "Porto", "Ghent", "Turin"]))
        session.add(customer)
    placed = datetime(2026, 1, 1)  # noqa: DTZ001 - SQLite keeps no zone
    for number in range(ORDERS):
        lines = [
            Line(product=random.choice(products), quantity=random.randint(1, 3)) for _ in range(3)
        ]
        at = placed + timedelta(hours=number)
        session.add(Order(customer_id=number % CUSTOMERS + 1, placed_at=at, lines=lines))
    session.commit()


def product(random: Random, shelves: list[Category], number: int) -> Product:
    """Return one of the many things that the shop sells."""
    kind = number % len(KINDS)
    return Product(
        name=f"{random.choice(MAKES)} {KINDS[kind].lower()} No. {number}",
        text=" ".join(random.choices(WORDS, k=40)),
        price_cents=random.randint(300, 20_000),
        stock=random.randint(0, 30),
        category=shelves[kind],
    )
