"""Every way to reach rows through a Session: inside an organization, outside it, in none."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import aliased

from console.accounts.models import Organization
from console.core.db import db
from console.core.tenancy import TenantError, enter_organization
from tests.core.rows import MODELS, values

Model = type[Any]
Probe = Callable[[Model, int], int]  # how many rows it reached


@dataclass
class Report:
    """What a run found."""

    probes: int = 0
    leaks: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)  # own rows that were not reached

    def __str__(self) -> str:
        return f"{len(self.leaks)} leaks of {self.probes} probes"


def run(
    app: Flask,
    own: dict[str, int],
    other: dict[str, int],
    organization_id: int,
    names: Container[str] | None = None,
) -> Report:
    """Try every probe, or those of these names, on every model: inside the organization, and none.

    A run takes twenty seconds: 27 probes of every model, from four places.
    """
    report = Report()
    tries = {n: p for n, p in (READS | WRITES | BARE).items() if names is None or n in names}
    for model in MODELS:
        for name, probe in tries.items():
            reached = tried(app, organization_id, probe, model, own[model.__tablename__])
            report.probes += 1
            if reached != 1 and name not in BARE:
                report.blind.append(f"{name} of own {model.__name__}")
            for inside in (organization_id, None):
                for target in (other, own) if inside is None else (other,):
                    report.probes += 1
                    if tried(app, inside, probe, model, target[model.__tablename__]):
                        report.leaks.append(f"{name} of {model.__name__} from {inside}")
    return report


def run_inserts(
    app: Flask, other: Organization, ids: dict[str, int], person: int, organization_id: int
) -> Report:
    """Try to put rows into another organization, by each way to insert, from ours and from none."""
    report = Report()
    for model in MODELS:
        row = values(model, other, ids, person)
        for column in model.__table__.columns:  # so that no unique key is what refuses it
            value = row.get(column.name)
            if isinstance(value, str):
                row[column.name] = f"new {value}"[: column.type.length or 40]
            elif type(value) is int and not column.foreign_keys:
                row[column.name] = value + 1
        for name, way in INSERTS.items():
            for inside in (organization_id, None):
                report.probes += 1
                if tried(app, inside, partial(inserted, way, row), model, 0):
                    report.leaks.append(f"{name} of {model.__name__} from {inside}")
    return report


def inserted(
    way: Callable[[Model, dict[str, Any]], int], row: dict[str, Any], model: Model, _target: int
) -> int:
    return way(model, dict(row))


def add(model: Model, row: dict[str, Any]) -> int:
    db.session.add(model(**row))
    db.session.flush()
    return 1


def bulk_save(model: Model, row: dict[str, Any]) -> int:
    db.session.bulk_save_objects([model(**row)])
    return 1


def bulk_mappings(model: Model, row: dict[str, Any]) -> int:
    db.session.bulk_insert_mappings(model, [row])
    return 1


def tried(app: Flask, inside: int | None, probe: Probe, model: Model, target: int) -> int:
    """Rows reached by one probe in a Session of its own; a refusal is none. Nothing is kept."""
    with app.app_context():
        if inside is not None:
            enter_organization(inside)
        try:
            return probe(model, target)
        except (TenantError, DatabaseError):
            return 0
        finally:
            db.session.rollback()


def one(statement: Any) -> int:
    return int(db.session.scalar(statement) or 0)


def changed(statement: Any) -> int:
    result: Any = db.session.execute(statement)
    return abs(int(result.rowcount))


def through_alias(model: Model, target: int) -> int:
    other_name = aliased(model)
    return len(db.session.scalars(select(other_name).where(other_name.id == target)).all())


def bulk_update(model: Model, target: int) -> int:
    try:
        db.session.execute(update(model), [{"id": target, "organization_id": -1}])
    except SQLAlchemyError:
        return 0
    return 1


def by_text(statement: str, target: int) -> int:
    return len(db.session.execute(text(statement), {"i": target}).all())


def by_engine(model: Model, target: int) -> int:
    with db.engine.connect() as connection:
        table = model.__table__
        return len(connection.execute(select(table.c.id).where(table.c.id == target)).all())


def quoted(model: Model) -> str:
    """The name as the engine finds it in any case; PostgreSQL keeps the case of quoted names."""
    return str(model.__tablename__)


def schema() -> str:
    return "public" if db.engine.dialect.name == "postgresql" else "main"


READS: dict[str, Probe] = {
    "select": lambda m, i: len(db.session.scalars(select(m).where(m.id == i)).all()),
    "get": lambda m, i: int(db.session.get(m, i) is not None),
    "columns": lambda m, i: len(db.session.execute(select(m.id).where(m.id == i)).all()),
    "count": lambda m, i: one(select(func.count()).select_from(m).where(m.id == i)),
    "join": lambda m, i: one(
        select(func.count())
        .select_from(Organization)
        .join(m, m.organization_id == Organization.id)
        .where(m.id == i)
    ),
    "outer join": lambda m, i: one(
        select(func.count(m.id))
        .select_from(Organization)
        .outerjoin(m, (m.organization_id == Organization.id) & (m.id == i))
    ),
    "aliased": through_alias,
    "subquery": lambda m, i: one(
        select(func.count()).select_from(select(m.id).where(m.id == i).subquery())
    ),
    "common table": lambda m, i: one(
        select(func.count()).select_from(select(m.id).where(m.id == i).cte())
    ),
    "exists": lambda m, i: int(one(select(exists().where(m.id == i)))),
    "in": lambda m, i: one(select(func.count(m.id)).where(m.id.in_(select(m.id)), m.id == i)),
    "union": lambda m, i: len(
        db.session.execute(
            union_all(select(m.id).where(m.id == i), select(m.id).where(m.id == -1))
        ).all()
    ),
    "query": lambda m, i: db.session.query(m).filter(m.id == i).count(),
}
WRITES: dict[str, Probe] = {
    "update": lambda m, i: changed(update(m).where(m.id == i).values(id=m.id)),
    "delete": lambda m, i: changed(delete(m).where(m.id == i)),
}
# Without the ORM nothing adds a criterion: these are refused, or held by the database.
BARE: dict[str, Probe] = {
    "table": lambda m, i: len(
        db.session.execute(select(m.__table__.c.id).where(m.__table__.c.id == i)).all()
    ),
    "table update": lambda m, i: changed(
        update(m.__table__).where(m.__table__.c.id == i).values(id=i)
    ),
    "table delete": lambda m, i: changed(delete(m.__table__).where(m.__table__.c.id == i)),
    "bulk update": bulk_update,
    "text": lambda m, i: by_text(f'SELECT id FROM "{m.__tablename__}" WHERE id = :i', i),
    "text, upper case": lambda m, i: by_text(
        f"SELECT t.id FROM {quoted(m).upper()} AS t WHERE t.id = :i", i
    ),
    "text, schema": lambda m, i: by_text(
        f'SELECT id FROM {schema()}."{m.__tablename__}" WHERE id = :i', i
    ),
    "text, comment": lambda m, i: by_text(
        f'SELECT id FROM -- of everybody\n "{m.__tablename__}" WHERE id = :i', i
    ),
    "text, comma": lambda m, i: by_text(
        f'SELECT x.id FROM organization AS o, "{m.__tablename__}" AS x WHERE x.id = :i LIMIT 1', i
    ),
    "text, from_statement": lambda m, i: len(
        db.session.scalars(
            select(m).from_statement(
                text(f'SELECT * FROM "{m.__tablename__}" WHERE id = :i').bindparams(i=i)
            )
        ).all()
    ),
    "connection": lambda m, i: len(
        db.session.connection().execute(select(m.__table__.c.id).where(m.__table__.c.id == i)).all()
    ),
    "engine": by_engine,
}
INSERTS: dict[str, Callable[[Model, dict[str, Any]], int]] = {
    "add": add,
    "insert": lambda m, row: changed(insert(m).values(**row)),
    "insert many": lambda m, row: len(db.session.scalars(insert(m).returning(m.id), [row]).all()),
    "table insert": lambda m, row: changed(insert(m.__table__).values(**row)),
    "bulk save": bulk_save,
    "bulk mappings": bulk_mappings,
}
