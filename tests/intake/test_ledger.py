from datetime import timedelta

import pytest

from console.core.db import db
from console.intake import queries
from console.intake.ledger import DISTINCT_LIMIT, Count, record
from console.intake.metrics import FATES
from console.telemetry.scope import Scope
from console.web.timerange import Range
from tests.support.clients import HTMX
from tests.support.factories import inside
from tests.support.pages import Page


@pytest.fixture
def counted(app, clock):
    """`counted(project, ("event", "stored", "", 3), …)` fills the ledger."""

    def fill(
        project, *rows: tuple[str, str, str, int], detail: str = "", hours_ago: float = 0
    ) -> None:
        at = clock.now() - timedelta(hours=hours_ago)
        with inside(app, project):
            record(Count(project.id, *row, at, detail) for row in rows)
            db.session.commit()

    return fill


@pytest.fixture
def api(as_script, acme):
    """`api("?since=…")` asks for acme's outcomes with a token."""
    script = as_script(acme, "outcomes:read")

    def get(query: str = "", path: str = "/api/v1/acme/shop/outcomes"):
        return script.get(path + query)

    return get


def test_counts_of_one_hour_are_added_up(both_databases, acme, counted, inside, clock):
    for quantity in (2, 3):
        counted(acme, ("event", "refused", "over quota", quantity), detail=f"case {quantity}")
    counted(acme, ("event", "refused", "unknown key", 1), ("span", "stored", "", 7))
    with inside(acme):
        now = clock.now()
        found = queries.ledger(acme, now - timedelta(hours=1), now + timedelta(seconds=1))
    assert [(x.item_type, x.outcome, x.reason, x.quantity, x.detail) for x in found] == [
        ("span", "stored", "", 7, ""),
        ("event", "refused", "over quota", 5, "case 3"),
        ("event", "refused", "unknown key", 1, ""),
    ]


def test_a_client_cannot_flood_the_ledger(both_databases, acme, counted, stored):
    counted(acme, *[("event", "lost_by_client", f"reason {n}", 1) for n in range(500)])
    ledger = stored(acme).ledger()
    assert len(ledger) == DISTINCT_LIMIT + 1
    assert sum(ledger.values()) == 500
    assert ledger["other", "lost_by_client", "other"] == 400


def test_an_hour_of_a_project_has_so_many_lines_however_often_a_client_invents(
    both_databases, acme, counted, stored
):
    for batch in range(12):
        invented = [("event", "lost_by_client", f"{batch} {n}", 1) for n in range(20)]
        counted(acme, ("event", "stored", "", 1), *invented)
    ledger = stored(acme).ledger()
    assert len(ledger) == DISTINCT_LIMIT + 1
    assert ledger["event", "stored", ""] == 12
    assert sum(ledger.values()) == 12 * 21
    counted(acme, ("event", "lost_by_client", "0 0", 5))
    assert stored(acme).ledger()["event", "lost_by_client", "0 0"] == 6


def test_words_of_a_client_are_cut_to_what_a_page_can_show(both_databases, acme, counted, stored):
    counted(acme, ("ev\0ent" * 20, "lost_by_client", "\x1b[31m\ud800" + "x" * 200, 10**15))
    assert stored(acme).ledger() == {
        (("event" * 20)[:40], "lost_by_client", "[31m" + "x" * 76): 1_000_000_000
    }


def test_the_api_tells_what_became_of_everything(api, acme, counted):
    counted(acme, ("event", "stored", "", 9), ("event", "refused", "over quota", 4), detail="why")
    counted(acme, ("span", "stored", "", 5), hours_ago=30)
    answer = api()
    assert [(o["outcome"], o["quantity"], o["detail"]) for o in answer.json["outcomes"]] == [
        ("stored", 9, "why"),
        ("refused", 4, "why"),
    ]
    assert set(answer.json["outcomes"][0]) == {
        "item_type", "outcome", "reason", "quantity", "last_at", "detail",
    }  # fmt: skip
    assert [o["outcome"] for o in api("?outcome=refused").json["outcomes"]] == ["refused"]
    assert api("?item_type=span").json["outcomes"] == []


def test_the_api_takes_a_range(api, acme, counted, clock):
    counted(acme, ("span", "stored", "", 5), hours_ago=30)
    since = (clock.now() - timedelta(days=2)).isoformat()
    found = api(f"?since={since}").json
    assert [o["quantity"] for o in found["outcomes"]] == [5]
    assert found["until"].endswith("Z")


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday",
        "?outcome=eaten",
        "?since=2020-01-01",
        "?since=2026-05-02&until=2026-05-01",
    ],
)
def test_a_question_without_sense_is_a_problem(api, query):
    answer = api(query)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"].endswith(".")


def test_the_api_is_closed_without_the_right_token(as_script, acme, globex, api, client):
    path = "/api/v1/acme/shop/outcomes"
    assert client.get(path).status_code == 401
    assert api(path="/api/v1/globex/shop/outcomes").status_code == 404
    assert as_script(acme, "issues:read").get(path).status_code == 403


def test_the_intake_page_shows_the_ledger(as_vic, acme, counted):
    counted(acme, ("event", "stored", "", 1234), ("event", "refused", "over quota", 5))
    page = as_vic.get("/acme/shop/intake").text
    assert "1,234" in page
    assert "over quota" in page
    assert page.startswith("<!doctype html>")


def test_the_intake_page_and_the_catalogue_say_the_same(app, as_vic, acme, counted, clock):
    counted(acme, ("event", "stored", "", 7), ("span", "stored", "", 5))
    counted(acme, ("event", "stored", "", 3), ("event", "refused", "quota", 2), hours_ago=30)
    page = as_vic.get("/acme/shop/intake?range=24h&compare=previous").text
    assert "+300%" in page  # 12 against 3
    with inside(app, acme):
        until = clock.now()
        scope = Scope.of(acme, Range("", until - timedelta(days=1), until))
        numbers = {name: metric.value(scope).whole.number for name, metric in FATES.items()}
    assert [float(card.value) for card in Page(page).cards()] == list(numbers.values())
    assert numbers["stored"] == 12


def test_the_intake_page_is_a_part_for_htmx(as_vic, acme, counted):
    counted(acme, ("event", "stored", "", 1))
    part = as_vic.get("/acme/shop/intake", headers=HTMX)
    assert part.text.lstrip().startswith('<div id="ledger"')
    again = HTMX | {"Pharos-Part": part.headers["Pharos-Part"]}
    assert as_vic.get("/acme/shop/intake", headers=again).status_code == 204


def test_the_intake_page_draws_the_period_that_it_is_compared_with(as_vic, acme, counted, clock):
    counted(acme, ("event", "stored", "", 7))
    clock.move(days=7)
    counted(acme, ("event", "stored", "", 2))

    def drawn(query):
        series = Page(as_vic.get(f"/acme/shop/intake?{query}")).datasets()
        return {each["label"]: [value for value in each["data"] if value] for each in series}

    assert drawn("range=24h&compare=week") == {"stored": [2], "A week before": [7]}
    assert drawn("range=24h") == {"stored": [2]}


def test_an_empty_intake_page_says_what_to_do(as_vic):
    assert "Connect an application" in as_vic.get("/acme/shop/intake?range=1h").text


def test_a_stranger_finds_no_intake_page(as_eve, acme):
    assert as_eve.get("/acme/shop/intake").status_code == 404
