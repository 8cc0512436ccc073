"""Rows of one person (secrets and sign-ins), which no other member may read or write.

On PostgreSQL row-level security compares `user_id` with the person of the transaction; the Session
does the same with every statement and object of the ORM, so that SQLite shows and refuses alike.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql.base import ExecutableOption

from console.core.db import Model, db
from console.core.tenancy import TenantError

# Keys of a Session's info, and `app.` parameters.
PERSON, TOKEN, EMAIL = "person_id", "token_hash", "email"


class PersonScoped:
    """Rows of one person, seen only within `person_scope`.

    A subclass with `__token__` has a column `hash`: within `token_scope`, whoever presents the
    token may read the row before the person is known.
    """

    __token__: ClassVar[bool] = False
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))


def enter_person(user_id: int) -> None:
    """Serve this person with the present Session from here on: who has signed in."""
    _tell(db.session(), PERSON, user_id)


def present_email(email: str) -> None:
    """Let the present Session see the account with this address from here on."""
    _tell(db.session(), EMAIL, email)


@contextmanager
def person_scope(user_id: int) -> Iterator[None]:
    """Give access to the rows of this person inside; changes are flushed at the end.

    0 is nobody: it runs the same statements, and sees no rows.
    """
    yield from _scope(PERSON, user_id)


@contextmanager
def token_scope(hash_: str) -> Iterator[None]:
    """Give access to the row of a presented token inside, whoever's it is."""
    yield from _scope(TOKEN, hash_)


def personal_models() -> list[type[Any]]:
    """Every mapped class whose rows belong to one person."""
    return [m.class_ for m in Model.registry.mappers if issubclass(m.class_, PersonScoped)]


def _scope(key: str, value: int | str) -> Iterator[None]:
    session = db.session()
    outer = session.info.get(key)
    _tell(session, key, value)
    try:
        yield
        session.flush()
    finally:
        _tell(session, key, outer)


def _tell(session: Session, key: str, value: int | str | None) -> None:
    session.info[key] = value
    if session.in_transaction() and session.is_active:
        _set_postgres(session.connection(), {key: value})


@event.listens_for(db.session, "after_begin")
def _bind_connection(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    keys = (PERSON, TOKEN, EMAIL)
    bound = {key: session.info[key] for key in keys if session.info.get(key) is not None}
    _set_postgres(connection, bound)


def _set_postgres(connection: Connection, settings: Mapping[str, int | str | None]) -> None:
    if connection.dialect.name != "postgresql":
        return
    for key, value in settings.items():
        # Local to the transaction, as in tenancy: the pool hands the connection on.
        connection.execute(
            text("SELECT set_config(:parameter, :value, true)"),
            {"parameter": f"app.{key}", "value": "" if value is None else str(value)},
        )


@event.listens_for(db.session, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    if state.is_column_load or not (state.is_select or state.is_update or state.is_delete):
        return
    person, token = state.session.info.get(PERSON), state.session.info.get(TOKEN)
    presented = token is not None and state.is_select
    personal = [m.class_ for m in state.all_mappers if issubclass(m.class_, PersonScoped)]
    if person is None and not presented:
        if personal:
            raise TenantError(f"a statement on {personal[0].__name__} names no person")
        return
    if state.all_mappers and not personal:
        return  # most statements of a page: an option would cost each of them 0.1 ms
    if presented:
        state.statement = state.statement.options(*_with_token(str(token), person or 0))
        return
    state.statement = state.statement.options(
        with_loader_criteria(PersonScoped, lambda cls: cls.user_id == person, include_aliases=True)
    )


def _with_token(token: str, person: int) -> Iterator[ExecutableOption]:
    for model in personal_models():
        criterion = model.hash == token if model.__token__ else model.user_id == person
        yield with_loader_criteria(model, criterion, include_aliases=True)


@event.listens_for(db.session, "before_flush")
def _check_objects(session: Session, _context: object, _instances: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, PersonScoped) and row.user_id != session.info.get(PERSON):
            raise TenantError(f"{type(row).__name__} belongs to another person")
