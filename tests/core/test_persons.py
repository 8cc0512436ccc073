"""A person's rows are seen and written in their own name only, on both databases."""

import pytest
from sqlalchemy import delete, func, select, text, update

from console.core.db import db
from console.core.persons import person_scope, personal_models, token_scope
from console.core.tenancy import TenantError
from tests.core.rows import personal_values
from tests.support.factories import make_user

MODELS = sorted(personal_models(), key=lambda model: model.__tablename__)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__tablename__)


@pytest.fixture
def people(app, both_databases):
    """The ids of two people, with a row of each personal model."""
    ids = [make_user(app, f"{name}@acme.test").id for name in ("ada", "eve")]
    with app.app_context():
        for user_id in ids:
            with person_scope(user_id):
                db.session.add_all(model(**personal_values(model, user_id)) for model in MODELS)
        db.session.commit()
        yield ids


@every_model
def test_each_sees_and_changes_their_own(people, model):
    ada, eve = people
    with person_scope(ada):
        assert db.session.scalars(select(model.user_id)).all() == [ada]
        assert db.session.scalars(delete(model).returning(model.user_id)).all() == [ada]
    with person_scope(eve):
        assert db.session.scalars(select(model.user_id).where(model.user_id == eve)).all() == [eve]
        renamed = update(model).values(user_id=eve).returning(model.user_id)
        assert db.session.scalars(renamed).all() == [eve]
    with person_scope(0):
        assert db.session.scalars(select(model)).all() == []


@every_model
def test_without_a_person_nothing_is_asked(people, model):
    with pytest.raises(TenantError):
        db.session.scalars(select(model)).all()
    with pytest.raises(TenantError):
        db.session.execute(delete(model))


@every_model
def test_nothing_is_written_in_anothers_name(people, model):
    ada, eve = people
    db.session.add(model(**personal_values(model, eve, mark="x")))
    with pytest.raises(TenantError), person_scope(ada):
        db.session.flush()


@every_model
def test_postgresql_holds_by_itself(people, both_databases, model):
    if both_databases == "sqlite":
        pytest.skip("SQLite has no row-level security")
    count = text(f"SELECT count(*) FROM {model.__tablename__}")
    with db.engine.connect() as connection:
        assert connection.scalar(count) == 0
    with person_scope(people[0]):
        assert db.session.scalar(count) == 1
    assert db.session.scalar(count) == 0
    db.session.commit()
    assert db.session.scalar(count) == 0


@pytest.mark.parametrize("model", [model for model in MODELS if model.__token__])
def test_a_token_opens_its_row_to_read(people, model):
    hash_ = personal_values(model, people[0])["hash"]
    with token_scope(hash_):
        assert db.session.scalars(select(model.user_id)).all() == [people[0]]
        with pytest.raises(TenantError):
            db.session.execute(delete(model))
    with token_scope("another"):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
