"""The issues of one endpoint, as its page shows them."""

import pytest

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.clients import HTMX
from tests.telemetry.samples import error

PATH = "/acme/shop/issues/of-transaction"


@pytest.fixture
def stored(app, acme, make_issue, clock):
    """An issue whose events two transactions raised."""
    issue = make_issue(acme, title="KeyError: 'book'", hash="a" * 32)
    at = clock.now()
    home = {"organization_id": acme.organization_id, "project_id": acme.id, "at": at}
    events = [error(transaction=name, **home) for name in ("books", "books", "GET /carts")]
    app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), 1)
    clock.move(seconds=1)
    return issue


@pytest.mark.parametrize(("name", "events"), [("GET books", "2"), ("GET /carts", "1")])
def test_issues_are_found_by_the_name_with_and_without_method(as_vic, stored, name, events):
    part = as_vic.get(PATH, query_string={"name": name}, headers=HTMX).text
    assert part.startswith('<section id="endpoint-errors"')
    assert "KeyError" in part
    assert f'<td class="number">{events}</td>' in part


def test_an_endpoint_without_issues_says_so(as_vic, stored):
    page = as_vic.get(PATH, query_string={"name": "GET /elsewhere"}).text
    assert "Nothing went wrong" in page
    assert "<html" in page


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b"])
def test_a_name_that_makes_no_sense_is_refused(as_vic, acme, name):
    assert as_vic.get(PATH, query_string={"name": name}).status_code == 400


def test_a_stranger_finds_nothing(as_eve, stored):
    assert as_eve.get(PATH, query_string={"name": "books"}).status_code == 404
