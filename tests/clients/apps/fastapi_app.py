"""Books in FastAPI on uvicorn: routes on threads and on the loop, a router, background work."""

import asyncio
import os
import socket
import sys
from threading import Thread
from typing import Any

import sentry_sdk
import uvicorn
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from sqlalchemy import String, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.clients.apps import serving

serving.report()
engine = create_engine(f"sqlite:///{os.environ['FOLDER']}/fastapi.sqlite")
router = APIRouter(prefix="/books")


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))


@router.get("/search")
def search(q: str) -> dict[str, Any]:
    with engine.connect() as connection:
        query = text(f"SELECT count(*) FROM book WHERE title LIKE '%{q}%'")
        return {"found": connection.scalar(query)}


@router.get("/{number}")
def book(number: int) -> dict[str, Any]:
    with Session(engine) as session:
        found = session.get(Book, number)
        if found is None:
            raise HTTPException(404)
        return {"title": found.title}


@router.post("")
def add_book() -> dict[str, Any]:
    with Session(engine) as session:
        session.add(Book(title="Added"))
        session.commit()
    return {"added": True}


async def slow() -> dict[str, Any]:
    await asyncio.sleep(0.1)
    with engine.connect() as connection:
        return {"books": len(connection.execute(select(Book)).all())}


async def broken() -> dict[str, Any]:
    raise RuntimeError("the shelf broke")


def reindex() -> None:
    with engine.connect() as connection:
        connection.execute(select(Book.title).order_by(Book.title))


def nightly(after: BackgroundTasks) -> dict[str, Any]:
    after.add_task(reindex)
    return {"queued": True}


def main() -> None:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Book), [{"title": f"Book {n}"} for n in range(5)])
    app = FastAPI()
    app.include_router(router)
    app.get("/slow")(slow)
    app.get("/broken")(broken)
    app.post("/nightly")(nightly)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        print(listening.getsockname()[1], flush=True)
        sys.stdin.read()
        server.should_exit = True
        thread.join()
    sentry_sdk.flush(10)


if __name__ == "__main__":
    main()
