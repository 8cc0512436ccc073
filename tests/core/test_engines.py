"""Errors of databases tell what failed, and no value of a row."""

import logging
import traceback

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from console.accounts.models import Organization
from console.core.db import db
from console.core.engines import engine_of, without_values
from tests.architecture.test_sources import MODULES
from tests.support.databases import ROOT
from tests.support.factories import make_organization

MARKER = "marker-9f3a@private.test"


def test_a_refused_row_is_not_quoted(both_databases, app, caplog):
    make_organization(app, MARKER)
    with app.app_context(), pytest.raises(IntegrityError) as refused:
        db.session.execute(insert(Organization).values(slug=MARKER, name=MARKER))
    assert "unique" in str(refused.value).lower()
    logging.getLogger("test").error("refused", exc_info=refused.value)
    assert MARKER not in caplog.text + "".join(traceback.format_exception(refused.value))
    assert "INSERT INTO organization" in caplog.text


def test_a_row_that_fails_its_checks_is_not_quoted(both_databases, app):
    with app.app_context(), pytest.raises(IntegrityError) as refused:
        db.session.execute(insert(Organization).values(slug=MARKER, name=None))
    assert MARKER not in "".join(traceback.format_exception(refused.value))


@pytest.mark.postgresql
@pytest.mark.parametrize("both_databases", ["postgresql"])
def test_a_text_that_is_no_number_is_not_quoted(both_databases, app):
    with app.app_context(), pytest.raises(DBAPIError) as refused:
        db.session.execute(select(text("CAST(:given AS integer)")).params(given=MARKER))
    assert "invalid input syntax for type integer" in str(refused.value)
    assert MARKER not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT CAST(:given AS integer)", "Could not convert string"),
        ("INSERT INTO held VALUES (:given), (:given)", "Constraint Error"),
    ],
)
def test_telemetry_quotes_no_value(statement, told):
    engine = engine_of("duckdb://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE held (name text PRIMARY KEY)"))
        with pytest.raises(DBAPIError, match=told) as refused:
            connection.execute(text(statement), {"given": MARKER})
    assert MARKER not in "".join(traceback.format_exception(refused.value))
    engine.dispose()


@pytest.mark.parametrize(
    ("dialect", "message", "clean"),
    [
        ("postgresql", 'there is no "user"\nLINE 1: x', 'there is no "user"'),
        ("postgresql", 'invalid input value for enum role: "x"', None),
        ("duckdb", "Conversion Error: Could not convert string 'it's' to INT32", None),
        ("duckdb", 'IO Error: Cannot open file "/a/1.duckdb": gone', ...),
        ("sqlite", "UNIQUE constraint failed: user.email", ...),
    ],
)  # fmt: skip
def test_names_stay_and_values_go(dialect, message, clean):
    result = without_values(message, dialect)
    if clean is None:
        assert "[value]" in result
    else:
        assert result == (message if clean is ... else clean)


def test_every_engine_is_made_so():
    """Or one of them would quote values: `create_engine` stands in one module."""
    makers = {path.name for path in MODULES if "create_engine(" in (ROOT / path).read_text()}
    assert makers == {"engines.py"}
