"""A Flask shop on SQLAlchemy's ORM, in a process of its own: five times the list of sixteen books.

As release 1 the author of each book is loaded when it is asked for; release 2 loads all at once.
"""

from typing import Literal

import sentry_sdk
from flask import Flask
from sqlalchemy import ForeignKey, StaticPool, create_engine, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)

BOOKS, REQUESTS = 16, 5


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()


def main(dsn: str, lifecycle: Literal["static", "stream"], release: str) -> None:
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(BOOKS):
            author = Author(name=f"author {number}")
            session.add(Book(title=f"book {number}", author=author))
        session.commit()
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        traces_sample_rate=1.0,
        trace_lifecycle=lifecycle,
        db_query_source_threshold_ms=0,
    )
    app = Flask("books")
    loading = [selectinload(Book.author)] if release == "books@2" else []

    @app.get("/books")
    def books() -> list[str]:
        with Session(engine) as session:
            found = session.scalars(select(Book).options(*loading))
            return [f"{book.title} by {book.author.name}" for book in found]

    client = app.test_client()
    for _ in range(REQUESTS):
        answer = client.get("/books")
        assert answer.json is not None
        assert len(answer.json) == BOOKS
    sentry_sdk.flush(10)
