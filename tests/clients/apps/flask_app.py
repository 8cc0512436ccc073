"""Books in Flask: SQLAlchemy's ORM, a blueprint, and Huey for work in the background."""

import logging
import os
import time
from typing import Any

from flask import Blueprint, Flask, abort, request
from huey import MemoryHuey
from sqlalchemy import String, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.clients.apps import serving

serving.report()
logging.disable()
engine = create_engine(f"sqlite:///{os.environ['FOLDER']}/flask.sqlite")
tasks = MemoryHuey("night", immediate=True)
bp = Blueprint("shelf", __name__, url_prefix="/books")


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))


@bp.get("/<int:number>")
def book(number: int) -> dict[str, Any]:
    with Session(engine) as session:
        found = session.get(Book, number) or abort(404)
        return {"title": found.title}


@bp.post("")
def add_book() -> dict[str, Any]:
    with Session(engine) as session:
        session.add(Book(title=request.form["title"]))
        session.commit()
    return {"added": True}


@bp.get("/search")
def search() -> dict[str, Any]:
    query = f"SELECT count(*) FROM book WHERE title LIKE '%{request.args['q']}%'"
    with engine.connect() as connection:
        return {"found": connection.scalar(text(query))}


def slow() -> dict[str, Any]:
    time.sleep(0.1)
    with engine.connect() as connection:
        return {"books": len(connection.execute(select(Book)).all())}


def broken() -> dict[str, Any]:
    raise RuntimeError("the shelf broke")


@tasks.task()
def reindex() -> None:
    with engine.connect() as connection:
        connection.execute(select(Book.title).order_by(Book.title))


@tasks.task()
def send_letters() -> None:
    raise TimeoutError("the mail server does not answer")


def nightly() -> dict[str, Any]:
    reindex()
    send_letters()
    return {"queued": True}


def main() -> None:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Book), [{"title": f"Book {n}"} for n in range(5)])
    app = Flask("books")
    app.register_blueprint(bp)
    app.get("/slow")(slow)
    app.get("/broken")(broken)
    app.post("/nightly")(nightly)
    serving.serve(app)


if __name__ == "__main__":
    main()
