"""Every row belongs to an organization, and no key reaches across."""

from importlib import import_module

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, Table, UniqueConstraint

from console.core.db import Model, OrganizationScoped
from console.core.persons import PersonScoped
from tests.architecture.test_sources import MODULES

UNSCOPED = {
    *(
        "organization",
        "user",
        "first_account",
        "login_throttle",
        "lease",
        "job_run",
        "canary",
        "absence",
    ),
}

for path in MODULES:
    if path.parent.name == "core" or path.stem == "models":
        import_module(".".join(path.with_suffix("").parts))

FOUND = {mapper.class_.__tablename__: mapper.class_ for mapper in Model.registry.mappers}
MODELS = dict(sorted(FOUND.items()))  # every xdist worker must collect the same order
PERSONAL = {name for name, model in MODELS.items() if issubclass(model, PersonScoped)}
SCOPED = {name: model for name, model in MODELS.items() if issubclass(model, OrganizationScoped)}


def test_every_model_is_scoped_or_on_the_short_list():
    assert set(MODELS) - set(SCOPED) - PERSONAL == UNSCOPED


def test_every_table_has_a_model():
    assert set(Model.metadata.tables) == set(MODELS)


def a_row_cannot_lack_its_organization(model):
    assert not model.__table__.c.organization_id.nullable


def unique_keys_start_with_the_organization(model):
    for name, columns in unique_keys(model.__table__):
        assert columns[0] == "organization_id" or columns == [model.__bearer__], name


def foreign_keys_to_scoped_tables_start_with_the_organization(model):
    for key in model.__table__.constraints:
        if isinstance(key, ForeignKeyConstraint) and key.referred_table.name in SCOPED:
            assert key.column_keys[0] == "organization_id", key.column_keys


def composite_foreign_keys_have_something_to_point_at(model):
    keys = [columns for _, columns in unique_keys(model.__table__)]
    assert ["organization_id", "id"] in keys


def a_bearer_column_is_unique_or_a_person(model):
    if model.__bearer__ and model.__bearer__ != "user_id":
        assert [model.__bearer__] in [columns for _, columns in unique_keys(model.__table__)]


RULES = (
    a_row_cannot_lack_its_organization,
    unique_keys_start_with_the_organization,
    foreign_keys_to_scoped_tables_start_with_the_organization,
    composite_foreign_keys_have_something_to_point_at,
    a_bearer_column_is_unique_or_a_person,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_scoped_model_keeps_a_rule(rule):
    broken = {}
    for name, model in SCOPED.items():
        try:
            rule(model)
        except AssertionError as error:
            broken[name] = str(error).partition("\n")[0]
    assert SCOPED
    assert broken == {}


def unique_keys(table: Table) -> list[tuple[str, list[str]]]:
    """Name and columns of each unique constraint and index but the primary key."""
    keys: list[UniqueConstraint | Index] = [index for index in table.indexes if index.unique]
    keys += [key for key in table.constraints if isinstance(key, UniqueConstraint)]
    return [(str(key.name), list(key.columns.keys())) for key in keys]
