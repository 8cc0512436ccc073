"""What the search of the inbox finds."""

from datetime import timedelta

import pytest

from console.core import clock
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"


def titles(client, query, **more):
    answer = client.get(INBOX, query_string={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return [row.title for row in Page(answer).rows()]


def raised(kind, value, *, frames=(), **more):
    """An event as SDKs send it."""
    exception = {"type": kind, "value": value, "stacktrace": {"frames": list(frames)}}
    return {"platform": "python", "exception": {"values": [exception]}, **more}


WRITINGS = {
    "Ошибка при оплате заказа": ["ошибка", "ОШИБКА", "Оплате"],
    "Größe ÄNDERN unmöglich": ["ändern", "GRÖSSE", "UNMÖGLICH", "A\u0308NDERN"],
    "İstanbul'da ödeme": ["istanbul", "ISTANBUL", "ÖDEME"],
    "Λάθος στον ΟΔΥΣΣΕΑΣ": ["λάθος", "οδυσσεας", "ΛΆΘΟΣ"],
    "Սխալ վճարման": ["ՍԽԱԼ"],
    "支払いエラー 100%": ["支払い", "100%", "エラー"],
    "no such_table": ["SUCH_TABLE"],
}


def test_letters_of_every_language_are_the_same_in_any_case(both_databases, as_vic, acme, send):
    send(acme, raised("Nothing", "else such table"))
    for value in WRITINGS:
        send(acme, raised("ValueError", value))
    for value, queries in WRITINGS.items():
        for query in queries:
            assert titles(as_vic, query) == [f"ValueError: {value}"], query


@pytest.mark.parametrize(
    "query",
    ["apply_coupon", "coupons.py", "shop/coupons", "COUPONS", "timeout of the bank", "vendor.bank"],
)
def test_it_finds_functions_files_modules_and_causes(as_vic, acme, send, query):
    frames = [
        {"function": "pay", "module": "vendor.bank", "filename": "bank.py", "lineno": 1},
        {"function": "apply_coupon", "filename": "shop/coupons.py", "lineno": 2, "in_app": True},
    ]
    event = raised("PriceError", "no price", frames=frames)
    cause = {"type": "BankError", "value": "Timeout of the bank"}
    event["exception"]["values"].insert(0, cause)
    send(acme, event)
    send(acme, raised("Other", "thing"))
    assert titles(as_vic, query) == ["PriceError: no price"]


def test_a_later_title_is_searched_instead_of_the_earlier(as_vic, acme, send, clock):
    frames = [{"function": "pay", "module": "shop", "filename": "shop.py", "in_app": True}]
    for value in ("first words", "second words"):
        send(acme, raised("PriceError", value, frames=frames))
        clock.move(seconds=5)
    assert titles(as_vic, "second") == ["PriceError: second words"]
    assert len(titles(as_vic, "priceerror")) == 1


def test_issues_of_an_environment_have_its_counts_times_and_order(get, acme, send):
    """cases/foreign: Alpha is old in beta and busy in production, Bravo is new in beta."""
    now = clock.now()

    def happened(name, ago, environment, **more):
        frames = [{"function": name.lower(), "module": "m", "filename": "m.py", "in_app": True}]
        at = (now - ago).isoformat()
        event = raised(name, name[0], frames=frames, timestamp=at, environment=environment, **more)
        send(acme, event)
        return now - ago

    long_ago = happened("Alpha", timedelta(days=7), "beta", release="shop@1")
    recent = now
    for number in range(4):
        recent = happened(
            "Alpha", timedelta(minutes=1), "production", release="shop@2", user={"id": f"p{number}"}
        )
    happened("Bravo", timedelta(hours=1), "beta", release="shop@1")

    def listed(**arguments):
        fields = ("kind", "events", "users", "first_seen", "last_seen")
        rows = get("/api/v1/acme/shop/issues", **arguments).json["issues"]
        return [tuple(row[field] for field in fields) for row in rows]

    beta = listed(environment="beta", sort="last_seen")
    assert [row[:3] for row in beta] == [("Bravo", 1, 0), ("Alpha", 1, 0)]
    assert beta[1][3:] == (long_ago.isoformat(), long_ago.isoformat())
    since = (now - timedelta(days=1)).isoformat()
    assert [row[0] for row in listed(environment="beta", since=since)] == ["Bravo"]
    assert [row[:3] for row in listed(since=since, sort="events")] == [
        ("Alpha", 4, 4), ("Bravo", 1, 0),
    ]  # fmt: skip
    (production,) = listed(environment="production")
    assert production == ("Alpha", 4, 4, recent.isoformat(), recent.isoformat())
    assert [row[0] for row in listed(environment="beta", sort="first_seen")] == ["Bravo", "Alpha"]
    assert [row[:3] for row in listed(release="shop@2")] == [("Alpha", 4, 4)]
    assert [row[:3] for row in listed(until=since)] == [("Alpha", 1, 0)]
    everywhere = {row[0]: row[1:] for row in listed()}
    assert everywhere["Alpha"] == (5, 4, long_ago.isoformat(), recent.isoformat())


def test_pages_of_a_narrowed_list_follow_each_other(get, acme, make_issue):
    made = [make_issue(acme, title=f"{n}", events=n + 1).id for n in range(5)]
    since = (clock.now() - timedelta(days=1)).isoformat()
    answer = get("/api/v1/acme/shop/issues", since=since, sort="events", limit=2)
    assert answer.json["since"] == since
    seen = [issue["id"] for issue in answer.json["issues"]]
    while following := answer.json["next"]:
        answer = get(following.partition("localhost")[2])
        seen += [issue["id"] for issue in answer.json["issues"]]
    assert seen == made[::-1]
    for cursor in ("nonsense", "WzBd", "Wy0xXQ", "WzEwMDAwMDFd"):
        assert get("/api/v1/acme/shop/issues", since=since, cursor=cursor).status_code == 400
