"""The page and the API of metrics."""

import re

import pytest
from markupsafe import escape
from sqlalchemy import select

from console.core.db import db
from console.errors import by_issue
from console.errors.models import Issue
from console.metrics.catalogue import CATALOGUE
from console.uptime.models import Check, CheckKind
from tests.support.at_once import at_once
from tests.support.counted import Stored
from tests.telemetry.samples import NOON, hour

PAGE, API = "/acme/shop/metrics", "/api/v1/acme/shop/metrics"
BOUNDS = {"since": NOON.isoformat(), "until": hour(6).isoformat()}


@pytest.fixture
def stored(app, acme, inside):
    with inside(acme):
        return Stored(app, acme)


@pytest.fixture
def get(acme, as_script):
    script = as_script(acme, "metrics:read")
    return lambda path="", **query: script.get(API + path, query_string=query)


def test_the_list_has_every_metric_with_what_it_can_be_asked(get):
    listed = get().json["metrics"]
    assert [each["id"] for each in listed] == list(CATALOGUE)
    apdex = next(each for each in listed if each["id"] == "requests.apdex")
    assert apdex["parameters"] == [
        {"name": "threshold_ms", "title": "Satisfied up to", "unit": "ms"}
    ]
    assert all(each["dimensions"] and each["group"] for each in listed)


@pytest.mark.usefixtures("stored")
def test_a_series_is_that_of_the_catalogue(get, acme, inside):
    answer = get("/requests.count", **BOUNDS, step=3600).json
    (whole,) = answer["series"]
    assert (whole["value"], len(whole["points"])) == ("", 6)
    total = sum(point["samples"] for point in whole["points"])
    by = get("/requests.count", **BOUNDS, step=3600, by="endpoint").json
    parts = [point for part in by["series"] for point in part["points"]]
    assert sum(point["samples"] for point in parts) == total > 0
    name = by["series"][0]["value"]
    narrowed = get("/requests.count", **BOUNDS, step=3600, **{"where.endpoint": name}).json
    assert narrowed["series"][0]["points"] == by["series"][0]["points"]


@at_once(
    ("path", "query", "status", "named"),
    [
        ("/requests.p42", {}, 404, "requests.p42"),
        ("/requests.p95", {"by": "password"}, 400, "by"),
        ("/requests.p95", {"where.password": "x"}, 400, "where"),
        ("/requests.apdex", {}, 400, "threshold_ms"),
        ("/requests.apdex", {"parameters.threshold_ms": "fast"}, 400, "threshold_ms"),
        ("/requests.p95", {"parameters.speed": "1"}, 400, "speed"),
        ("/requests.p95", {"step": "5"}, 400, "step"),
        ("/requests.p95", {"since": "yesterday"}, 400, "since"),
        ("/intake.stored", {"environment": "production"}, 400, "environment: Stored"),
        ("/rules.lag", {"release": "shop@2"}, 400, "release: Lag"),
    ],
)
def test_what_is_wrong_is_named(get, path, query, status, named):
    answer = get(path, **query)
    assert answer.status_code == status
    assert named in answer.json["detail"]


def test_a_token_without_the_permission_is_refused(client, acme, as_script):
    assert as_script(acme, "issues:read").get(API).status_code == 403
    assert client.get(API).status_code == 401


@pytest.mark.usefixtures("stored")
def test_the_page_shows_every_metric(as_vic):
    for name, metric in CATALOGUE.items():
        page = as_vic.get(PAGE, query_string={**BOUNDS, "metric": name})
        assert page.status_code == 200, name
        assert metric.title in page.text


@pytest.mark.usefixtures("stored")
def test_the_page_breaks_down_and_a_part_leads_to_itself(as_vic):
    query = {**BOUNDS, "metric": "requests.count", "by": "endpoint"}
    page = as_vic.get(PAGE, query_string=query).text
    assert "only=endpoint" in page
    narrowed = as_vic.get(PAGE, query_string={**query, "only": "endpoint", "value": "GET /a"}).text
    assert "GET /a" in narrowed
    assert "GET /b" not in narrowed


def test_issues_have_their_titles_and_lead_to_themselves(as_vic, stored, acme, inside):
    query = {**BOUNDS, "metric": "issues.events", "by": "issue"}
    page = as_vic.get(PAGE, query_string=query).text
    with inside(acme):
        titles = {issue.id: issue.title for issue in db.session.scalars(select(Issue))}
    shown = re.findall(r">(\d+) – ([^<]+)</a> <a class=\"small muted\"\s+href=\"([^\"?]+)", page)
    assert shown
    for id_, title, link in shown:
        assert title == escape(titles[int(id_)])
        assert link == f"/acme/shop/issues/{id_}/"


@pytest.mark.usefixtures("stored")
def test_checks_have_their_names_and_pages(as_vic, acme, inside):
    with inside(acme):
        check = Check(project_id=acme.id, name="Our shop", slug="shop", kind=CheckKind.HTTP)
        check.settings = {"url": "https://shop.test/"}
        db.session.add(check)
        db.session.commit()
        id_ = check.id
    query = {**BOUNDS, "metric": "checks.uptime", "by": "check"}
    page = as_vic.get(PAGE, query_string=query).text
    assert ">Our shop</a>" in page
    assert f'href="/acme/shop/uptime/{id_}?' in page
    assert ">cart</a>" in page, "a check that is gone"


def test_a_breakdown_by_issue_compares_all_of_them(get, stored, monkeypatch):
    whole = get("/issues.events", **BOUNDS, by="issue").json
    monkeypatch.setattr(by_issue, "AT_ONCE", 1)
    assert get("/issues.events", **BOUNDS, by="issue").json == whole
    assert len(whole["series"]) > 1


@pytest.mark.usefixtures("stored")
def test_the_filter_offers_the_values_that_exist(as_vic, clock):
    clock.set(hour(6))
    query = {"metric": "requests.p95", "only": "endpoint"}
    assert '<option value="GET /a"></option>' in as_vic.get(PAGE, query_string=query).text


@pytest.mark.parametrize(
    "query",
    [
        {"metric": "password"},
        {"by": "password"},
        {"only": "x"},
        {"metric": "requests.apdex", "parameter": "-5"},
    ],
)
def test_wrong_input_is_answered_in_the_page(as_vic, query):
    page = as_vic.get(PAGE, query_string=query)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text


def test_filters_that_a_metric_does_not_know_are_said(as_vic):
    """The intake's ledger knows no environments."""
    page = as_vic.get(PAGE, query_string={"metric": "intake.stored", "environment": "production"})
    assert page.status_code == 422
    assert "Stored is counted for all environments together." in page.text


def test_strangers_see_nothing(as_eve, client, acme):
    assert as_eve.get(PAGE).status_code == 404
    assert client.get(PAGE).status_code == 303
