"""The state database: typed models, and one Session bound to one organization."""

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from flask import Flask, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    func,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from console.core import clock, engines, outages, patience
from console.core.config import Config

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# SQLite counts up only a plain INTEGER key, which has 64 bits there anyway.
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Statement = TypeVar("Statement")
P = ParamSpec("P")
T = TypeVar("T")
_reading: ContextVar[bool | None] = ContextVar("reading", default=None)  # None: as the method is


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in Python; `timestamptz` on PostgreSQL, naive UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse a naive datetime: its zone would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Give back what SQLite stored without its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """Base of every table of the state database."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        list[str]: JSON(),
        enum.StrEnum: Enum(
            enum.StrEnum,
            native_enum=False,
            create_constraint=False,
            length=20,
            values_callable=lambda members: [member.value for member in members],
        ),
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Map the class; on SQLite, never give the id of a deleted row to a new one.

        DSNs, links and telemetry files are named by id: they must not come to mean another thing.
        """
        super().__init_subclass__(**kwargs)
        if isinstance(cls.__table__, Table) and "id" in cls.__table__.c:
            cls.__table__.dialect_kwargs["sqlite_autoincrement"] = True


class OrganizationScoped:
    """Rows of one organization: seen only by a Session that is bound to it.

    A subclass may name a `__bearer__` column: whoever presents that column's value (an ingest key,
    the hash of a token, a signed-in user's id) may read the row before the organization is known.
    """

    __bearer__: ClassVar[str] = ""
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Map the class, and give its table the key that composite foreign keys point at."""
        super().__init_subclass__(**kwargs)
        columns = cls.__table__.c  # type: ignore[attr-defined]
        cls.__table__.append_constraint(  # type: ignore[attr-defined]
            UniqueConstraint(columns.organization_id, columns.id)
        )


def belongs_to(
    table: str, column: str, *, ondelete: str | None = "CASCADE"
) -> ForeignKeyConstraint:
    """Return the composite foreign key to a scoped table.

    Foreign-key checks bypass row-level security, so the organization must be part of the key.
    """
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


# Our own typed base: the extension gives engine, Session and lifetime, and shares the metadata.
db = SQLAlchemy(metadata=Model.metadata)


class Clash(Exception):
    """Another transaction has meanwhile written a row with the same unique key."""


def open_unguarded(app: Flask, settings: Config) -> None:
    """Open the state database for this app; `tenancy.init_app` does so and guards its engine."""
    url = settings.state_url
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # One for each web thread, the digest, the ticker and its jobs: nobody waits for another's.
    options: dict[str, Any] = {
        "pool_pre_ping": True,
        "pool_size": settings.web_threads + 8,
        "pool_timeout": patience.POOL_SECONDS,
    }
    options |= engines.WITHOUT_VALUES
    if url.startswith("postgresql"):
        # A transaction pooler hands each transaction another backend: no server-side prepares.
        options |= {"connect_args": {"prepare_threshold": None}}
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", options)
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)
            patience.limit_sqlite(db.engine)
        else:
            patience.be_patient(db.engine)
        engines.keep_values_out(db.engine)
        outages.watch(db.engine)


def insert(into: type[Model] | FromClause) -> "postgresql.Insert":
    """Return the INSERT of the engine in use, which knows ON CONFLICT on both in the same words."""
    if db.engine.dialect.name == "postgresql":
        dialect: Any = import_module("sqlalchemy.dialects.postgresql")
    else:
        dialect = sqlite
    return cast("postgresql.Insert", dialect.insert(into))


def built_once(build: Callable[[], Statement]) -> Callable[[], Statement]:
    """Keep a statement that `build` makes, as `insert` does, for the engine in use.

    To build a statement and find its compiled text takes longer than to run it. The statement takes
    all its values as parameters, and a table rather than a model: the ORM would build it again.
    """
    built: dict[str, Statement] = {}

    @wraps(build)
    def statement() -> Statement:
        engine = db.engine.dialect.name
        if engine not in built:
            built[engine] = build()
        return built[engine]

    return statement


def hold_alone(name: str) -> None:
    """Wait until no other transaction holds this name, and hold it until the present one ends.

    SQLite's transactions that may write come one after the other as it is.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def database_time() -> datetime:
    """The present moment on the clock that all processes share; on SQLite it is the machine's.

    What decides by time, such as the evaluation of rules, must not depend on who decides.
    """
    if db.engine.dialect.name != "postgresql":
        return clock.now()
    at = db.session.scalars(select(func.clock_timestamp())).one()
    return clock.of_database(at.astimezone(UTC))


@contextmanager
def noticing_clashes() -> Iterator[None]:
    """Roll back and raise Clash when a key refuses what is written inside."""
    try:
        yield
    except IntegrityError as error:
        db.session.rollback()
        raise Clash from error


@contextmanager
def reading() -> Iterator[None]:
    """Begin transactions inside as readers, whatever the method: they take no write lock."""
    yield from _begun(reader=True)


@contextmanager
def writing() -> Iterator[None]:
    """Begin transactions inside as writers, whatever the method; none may be under way.

    For the few GET requests that change something, such as an answer of a sign-in provider.
    """
    yield from _begun(reader=False)


def reading_first(view: Callable[P, T]) -> Callable[P, T]:
    """Begin the transactions of a POST as readers until it calls `begin_to_write`, if ever.

    For what computes for seconds: nobody else could write meanwhile, neither digest nor evaluation.
    """

    @wraps(view)
    def read(*args: P.args, **rest: P.kwargs) -> T:
        with reading():
            return view(*args, **rest)

    return read


def begin_to_write() -> None:
    """End the transaction that has read; the next is a writer's, and reads its rows anew."""
    db.session.rollback()
    _reading.set(False)


def _begun(*, reader: bool) -> Iterator[None]:
    token = _reading.set(reader)
    try:
        yield
    finally:
        _reading.reset(token)


def overwrite_deleted() -> None:
    """Empty SQLite's log, which still has what was deleted, as far as no reader needs it."""
    engine = db.engine
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # the spool forgets what state has committed: it must be on disk
            "foreign_keys=ON",
            "secure_delete=ON",  # what was deleted is not left on free pages of the file
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience.lock_seconds() * 1000:.0f}")
        # A reader that turns writer fails at once when someone else wrote meanwhile.
        connection.exec_driver_sql("BEGIN" if _only_reads() else "BEGIN IMMEDIATE")


def _only_reads() -> bool:
    declared = _reading.get()
    if declared is not None:
        return declared
    return has_request_context() and request.method in SAFE_METHODS
