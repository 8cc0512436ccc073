"""The tenant guard: which rows a Session may see, on SQLite and PostgreSQL alike."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.engine import Connection, ExecutionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, with_loader_criteria
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.base import ExecutableOption

from console.core import patience
from console.core.config import Config
from console.core.database_errors import APP, naming
from console.core.db import Model, OrganizationScoped, db, open_unguarded

INFO = "pharos.session"
INSERTED = "(inserted)"
# Statements that PostgreSQL's grants refuse to the app's role; SQLite has no roles.
_DELETES_ORGANIZATIONS = re.compile(r'\s*DELETE\s+FROM\s+(?:\w+\.)?"?organization\b', re.IGNORECASE)
ORGANIZATION_BIND = re.compile(r"organization_id(_m\d+)?")


class TenantError(RuntimeError):
    """A statement would reach rows of no organization, or of another than the Session's."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A presented value, and the model whose rows it opens."""

    model: type[OrganizationScoped]
    value: str | int

    @property
    def table(self) -> str:
        """The table of the rows, as the tripwire finds it in a statement."""
        return str(self.model.__tablename__)  # type: ignore[attr-defined]

    @property
    def parameter(self) -> str:
        """The PostgreSQL parameter that the table's policy compares its bearer column with."""
        return f"app.{self.table}_bearer"


class UnsafeRoleError(RuntimeError):
    """The database role could read past row-level security; the console does not start with it."""


def init_app(app: Flask, settings: Config) -> None:
    """Open the state database for this app, with the guard on its engine."""
    open_unguarded(app, settings)
    with app.app_context():
        _guard(db.engine)
        _refuse_a_role_that_bypasses(db.engine)


def enter_organization(organization_id: int) -> None:
    """Bind the present Session to one organization for the rest of its life.

    Raises TenantError if it is bound to another one: objects of two organizations in one identity
    map would be handed out without a query, and so without a guard.
    """
    session = db.session()
    own = session.info.get("organization_id") or organization_id
    session.info["organization_id"] = own
    if own != organization_id:
        raise TenantError("this Session already serves another organization")
    _tell_postgres(session)


@contextmanager
def organization_scope(organization_id: int) -> Iterator[None]:
    """Give a job or the digest a fresh Session of one organization, and remove it at the end."""
    db.session.remove()
    enter_organization(organization_id)
    try:
        yield
    finally:
        db.session.remove()


@contextmanager
def inserting_for(organization_id: int) -> Iterator[None]:
    """Let INSERT statements inside, but no objects, write rows of another organization.

    It serves notes in several organizations' rows at once: objects of two organizations in one
    identity map would be handed out without a guard; statements leave nothing there.
    """
    session = db.session()
    session.flush()
    own = session.info.get("organization_id")
    session.info["organization_id"] = organization_id
    _tell_postgres(session)
    try:
        yield
    finally:
        session.info["organization_id"] = own
        _tell_postgres(session)


@contextmanager
def bearer(model: type[OrganizationScoped], value: str | int) -> Iterator[None]:
    """Let statements inside read rows of `model` by the value of its `__bearer__` column alone."""
    session = db.session()
    if "bearer" in session.info:
        raise TenantError("bearers do not nest")
    session.info["bearer"] = Bearer(model, value)
    _tell_postgres(session)
    try:
        yield
    finally:
        del session.info["bearer"]
        _tell_postgres(session, ended=Bearer(model, ""))


def current_organization_id() -> int | None:
    """Return the organization that the present Session is bound to."""
    organization_id: int | None = db.session().info.get("organization_id")
    return organization_id


def scoped_models() -> list[type[Any]]:
    """Every mapped class whose rows belong to one organization."""
    return [m.class_ for m in Model.registry.mappers if issubclass(m.class_, OrganizationScoped)]


def _guard(engine: Engine) -> None:
    """Refuse, on this engine, every statement on a scoped table that names no organization."""
    event.listen(engine, "before_cursor_execute", _tripwire)
    event.listen(engine, "checkin", _forget_session)


def _refuse_a_role_that_bypasses(engine: Engine) -> None:
    """Raise UnsafeRoleError when the app's PostgreSQL role would not be held by the policies."""
    if engine.dialect.name != "postgresql":
        return
    query = text(
        "SELECT rolsuper OR rolbypassrls, EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')"
        " AND pg_has_role(current_user, c.relowner, 'MEMBER'))"
        " FROM pg_roles WHERE rolname = current_user"
    )
    with naming(APP), engine.connect() as connection:
        bypasses, owns = connection.execute(query).one()
    if bypasses or owns:
        engine.dispose()
        raise UnsafeRoleError(
            "DATABASE_URL's role could bypass row-level security (superuser, BYPASSRLS or owner of"
            " a table): use a role that owns nothing, and name the owner in OWNER_DATABASE_URL"
        )


def _forget_session(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    # Whoever takes the connection next, without a Session, must not pass for the last one.
    entry.info.pop(INFO, None)


@event.listens_for(db.session, "after_begin")
def _bind_connection(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    connection.info[INFO] = session.info
    _set_postgres(session, connection, limits=patience.postgres_limits())


def _tell_postgres(session: Session, ended: Bearer | None = None) -> None:
    """Bring the transaction under way, if there is one, up to date."""
    if session.in_transaction():
        _set_postgres(session, session.connection(), ended)


def _set_postgres(
    session: Session,
    connection: Connection,
    ended: Bearer | None = None,
    limits: Mapping[str, str] = MappingProxyType({}),
) -> None:
    if connection.dialect.name != "postgresql":
        return
    organization_id = session.info.get("organization_id")
    settings = {"app.organization_id": "" if organization_id is None else str(organization_id)}
    presented = session.info.get("bearer") or ended
    if presented:
        settings[presented.parameter] = str(presented.value)
    settings |= limits
    # Local to the transaction: a session-level SET would leak through the pool (and a pooler).
    calls = [func.set_config(parameter, value, True) for parameter, value in settings.items()]
    connection.execute(select(*calls))


@event.listens_for(db.session, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    # A flush that found nothing to do never says that it ended.
    state.session.info["flushing"] = False
    if not (state.is_select or state.is_update or state.is_delete):
        return
    if state.is_column_load:
        # A refresh by key of a row that this Session holds, where loader criteria do not apply.
        state.update_execution_options(held_row=True)
        return
    presented = state.session.info.get("bearer")
    organization_id = state.session.info.get("organization_id")
    if presented and not state.is_select:
        raise TenantError("a bearer reads and writes nothing")
    if presented:
        state.statement = state.statement.options(*_with_bearer(presented, organization_id))
    elif organization_id is not None:
        state.statement = state.statement.options(
            with_loader_criteria(
                OrganizationScoped,
                lambda cls: cls.organization_id == organization_id,
                include_aliases=True,
            )
        )


def _with_bearer(presented: Bearer, organization_id: int | None) -> Iterator[ExecutableOption]:
    column = getattr(presented.model, presented.model.__bearer__)
    yield with_loader_criteria(presented.model, column == presented.value, include_aliases=True)
    for model in scoped_models() if organization_id is not None else ():
        if model is not presented.model:
            criterion = model.organization_id == organization_id
            yield with_loader_criteria(model, criterion, include_aliases=True)


@event.listens_for(db.session, "before_flush")
def _check_objects(session: Session, _context: object, _instances: object) -> None:
    organization_id = session.info.get("organization_id")
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, OrganizationScoped):
            continue
        if organization_id is None:
            raise TenantError(f"{type(row).__name__} written without an organization")
        if row in session.new and getattr(row, "organization_id", None) is None:
            row.organization_id = organization_id
        if row.organization_id != organization_id:
            raise TenantError(f"{type(row).__name__} belongs to another organization")
    session.info["flushing"] = True


@event.listens_for(db.session, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    session.info["flushing"] = False


@event.listens_for(db.session, "after_soft_rollback")
def _rolled_back(session: Session, _previous: SessionTransaction) -> None:
    session.info["flushing"] = False


def _tripwire(
    connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,
    context: ExecutionContext | None,
    executemany: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> None:
    if _DELETES_ORGANIZATIONS.match(statement):
        raise TenantError("organizations are deleted by the owner's role: `pharos organization`")
    options = context.execution_options if context is not None else {}
    if options.get("unscoped") or options.get("held_row"):
        return
    info: Mapping[str, Any] = connection.info.get(INFO) or {}
    needed = _scoped_tables_in(statement)
    if not needed or info.get("flushing"):
        return
    rows = parameters if executemany else [parameters]
    for (table, alias), mentions in needed.items():
        if alias == INSERTED:
            held = _inserts_own(context, info)
        else:
            held = _comparisons_held(statement, table, alias, rows, info) >= mentions
        if not held:
            raise TenantError(f"a statement on {table} names no organization: {statement[:200]}")


def _inserts_own(context: ExecutionContext | None, info: Mapping[str, Any]) -> bool:
    """Whether every row of an INSERT is bound to the Session's organization."""
    organization_id = info.get("organization_id")
    bound = [
        value
        for row in getattr(context, "compiled_parameters", ())
        for name, value in row.items()
        if ORGANIZATION_BIND.fullmatch(name)
    ]
    return organization_id is not None and bound != [] and set(bound) == {organization_id}


def _comparisons_held(
    statement: str, table: str, alias: str, rows: Sequence[Any], info: Mapping[str, Any]
) -> int:
    """How often this name of a table is compared with the Session's organization (or bearer)."""
    wanted = [("organization_id", info.get("organization_id"))]
    presented = info.get("bearer")
    if presented and presented.table == table:
        wanted.append((presented.model.__bearer__, presented.value))
    return sum(
        all(str(row[place]) == str(value) for row in rows)
        for column, value in wanted
        if value is not None
        for place in _comparisons(statement, alias, column)
    )


@lru_cache(maxsize=4096)
def _comparisons(statement: str, alias: str, column: str) -> tuple[int | str, ...]:
    """Where the parameters of `alias.column = <parameter>` stand: names, or indexes for `?`."""
    pattern = rf'(?<![\w."])"?{alias}"?\."?{column}"? = (?:%\((\w+)\)s|(\?))'
    return tuple(
        match[1] or statement.count("?", 0, match.start(2))
        for match in re.finditer(pattern, statement)
    )


@lru_cache(maxsize=1)
def _scoped_tables() -> frozenset[str]:
    return frozenset(model.__tablename__ for model in scoped_models())


@lru_cache(maxsize=4096)
def _scoped_tables_in(statement: str) -> Mapping[tuple[str, str], int]:
    """How often each scoped table is named, by (table, alias); an INSERT's target is INSERTED."""
    mentions: Counter[tuple[str, str]] = Counter()
    for match in _mentions().finditer(statement):
        verb, table, alias = match.groups()
        if verb == "," and not _in_from_list(statement, match.start()):
            continue
        known = table.lower()
        mentions[known, INSERTED if verb.upper() == "INTO" else alias or known] += 1
    return mentions


@lru_cache(maxsize=1)
def _mentions() -> re.Pattern[str]:
    """Where a statement takes rows from a scoped table, or puts some in, however it is quoted."""
    tables = "|".join(sorted(_scoped_tables()))
    return re.compile(
        rf"""(?:\b|(?=,))(INTO|FROM|JOIN|UPDATE(?:\s+OR\s+\w+)?|,)
        (?:[\s(]|/\*.*?\*/|--[^\n]*\n)*  # white space, parentheses of nested joins, comments
        (?:["'`\[]?\w+["'`\]]?\s*\.\s*)?  # a schema
        ["'`\[]?\b({tables})\b["'`\]]?(?!["'`\]]?[\w.])
        (?:\s+AS\s+["`\[]?(\w+))?""",
        re.IGNORECASE | re.VERBOSE | re.DOTALL,
    )


def _in_from_list(statement: str, at: int) -> bool:
    """Whether the comma at `at` separates tables, not columns."""
    clauses = re.findall(
        r"\b(SELECT|FROM|WHERE|SET|VALUES|BY|RETURNING)\b", statement[:at], re.IGNORECASE
    )
    return bool(clauses) and clauses[-1].upper() == "FROM"
