"""One row of every scoped model for an organization, made from the tables alone."""

from typing import Any

from flask import Flask
from sqlalchemy import Boolean, Column, Date, Enum, Float, Integer, LargeBinary, Table
from sqlalchemy.types import JSON

from console.accounts.models import Organization
from console.core import clock
from console.core.db import Model, OrganizationScoped, UtcDateTime, db
from console.core.tenancy import scoped_models
from tests.support.factories import inside, make_organization, make_user

MODELS: list[type[Any]] = sorted(
    scoped_models(),
    key=lambda model: [t.name for t in Model.metadata.sorted_tables].index(model.__tablename__),
)


def fill(app: Flask, slug: str) -> dict[str, int]:
    """Make an organization with one row of each model; return the rows' ids by table."""
    organization = make_organization(app, slug)
    person = make_user(app, f"owner@{slug}.test").id
    ids: dict[str, int] = {}
    with inside(app, organization):
        for model in MODELS:
            row = model(**values(model, organization, ids, person))
            db.session.add(row)
            db.session.flush()
            ids[model.__tablename__] = row.id
        db.session.commit()
    return ids


def values(
    model: type[OrganizationScoped], organization: Organization, ids: dict[str, int], person: int
) -> dict[str, Any]:
    """What a new row of the model needs, its parents being the rows of `ids`."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    parents = {
        key.parent.name: key.column.table.name
        for key in table.foreign_keys
        if key.column.name == "id"
    }
    made: dict[str, Any] = {}
    for column in table.columns:
        if column.name == "id" or (column.nullable and column.name not in parents):
            continue
        if column.name == "organization_id":
            made[column.name] = organization.id
        elif parents.get(column.name) == table.name:
            continue  # the first row has no other to stand below
        elif column.name in parents:
            parent = parents[column.name]
            made[column.name] = person if parent == "user" else ids[parent]
        else:
            made[column.name] = value(column, organization.slug)
    return made


def personal_values(model: type[Any], user_id: int, mark: str = "") -> dict[str, Any]:
    """What a new row of a personal model needs; strings differ between people and marks."""
    made = {
        column.name: value(column, f"{user_id}{mark}")
        for column in model.__table__.columns
        if column.name not in {"id", "user_id"} and not column.nullable
    }
    return {**made, "user_id": user_id}


def value(column: Column[Any], slug: str) -> Any:
    """Something that the column holds; strings differ between organizations."""
    if isinstance(column.type, Enum):
        assert column.type.enum_class is not None
        return next(iter(column.type.enum_class))
    if isinstance(column.type, UtcDateTime):
        return clock.now()
    if isinstance(column.type, Date):
        return clock.now().date()
    for kind, fixed in {
        JSON: [],
        Boolean: False,
        Integer: 1,
        Float: 1.0,
        LargeBinary: slug.encode(),
    }.items():
        if isinstance(column.type, kind):
            return fixed
    return f"{column.name} of {slug}"[: getattr(column.type, "length", None) or 40]
