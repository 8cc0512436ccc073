"""What the search of the inbox finds."""

from datetime import timedelta

import pytest

from console.core import clock
from tests.errors.searches import RUNS, raised
from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"


def titles(client, query, **more):
    """What the rows are called, of the part that htmx loads: the page around it is the same."""
    answer = client.get(INBOX, query_string={"q": query, **more}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return [row.title for row in Page(answer).rows()]


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
    for value in ("no price for 'first words'", "no price for 'second words'"):
        send(acme, raised("PriceError", value, frames=frames))
        clock.move(seconds=5)
    assert titles(as_vic, "second") == ["PriceError: no price for 'second words'"]
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


FOUND = {
    "is:open": ["Bank", "Coupon", "Plain"],
    "is:unresolved !is:muted": ["Bank", "Coupon", "Plain"],
    "is:resolved": [],
    "is:[open, resolved]": ["Bank", "Coupon", "Plain"],
    "is:all": ["Bank", "Coupon", "Plain"],
    "is:new": ["Bank", "Coupon", "Plain"],
    "!is:new": [],
    "is:unassigned": ["Bank", "Coupon", "Plain"],
    "is:assigned": [],
    "!is:assigned": ["Bank", "Coupon", "Plain"],
    "is:regressed": [],
    "is:performance": [],
    "is:error": ["Bank", "Coupon", "Plain"],
    "level:error": ["Coupon"],
    "level:[error, FATAL]": ["Bank", "Coupon"],
    "!level:fatal": ["Coupon", "Plain"],
    "release:shop@2.1.1": ["Coupon"],
    "release:SHOP@2.*": ["Bank", "Coupon"],
    "!release:shop@*": ["Plain"],
    "release:[api@1.0, shop@2.2.0]": ["Bank", "Plain"],
    "environment:production": ["Coupon", "Plain"],
    "env:staging": ["Bank"],
    "user:aiko@SHOP.example": ["Coupon"],
    "user.email:aiko*": ["Coupon"],
    "user:7": ["Coupon"],
    "user.id:mio": ["Bank"],
    "has:user": ["Bank", "Coupon"],
    "!has:user": ["Plain"],
    "has:plan": ["Bank", "Coupon"],
    "!has:plan": ["Plain"],
    "plan:private": ["Coupon"],
    "PLAN:private": [],
    "plan:PRIVATE": ["Coupon"],
    "!plan:private": ["Bank", "Plain"],
    "plan:[private, trade]": ["Bank", "Coupon"],
    "tags[Größe]:ändern": ["Coupon"],
    '"Größe":ÄNDERN': ["Coupon"],
    'note:"a \\"quoted\\" *"': ["Coupon"],
    "transaction:/checkout": ["Coupon"],
    "url:*/cart": ["Coupon"],
    "assigned:none": ["Bank", "Coupon", "Plain"],
    "assigned:me": [],
    "!assigned:me": ["Bank", "Coupon", "Plain"],
    "assigned:[me, none]": ["Bank", "Coupon", "Plain"],
    "first-seen:-24h": ["Bank", "Coupon", "Plain"],
    "first-seen:+24h": [],
    "!first-seen:+24h": ["Bank", "Coupon", "Plain"],
    "last-seen:>2020-01-01": ["Bank", "Coupon", "Plain"],
    "lastSeen:<2020-01-01": [],
    "type:coupon": ["Coupon"],
    "type:coup": [],
    "type:coup*": ["Coupon"],
    "function:in_bank": ["Bank"],
    "stack.filename:plain.py": ["Plain"],
    "message:fell": ["Bank", "Coupon", "Plain"],
    "title:bank": ["Bank"],
    "aiko": ["Coupon"],
    "aiko@shop.example": ["Coupon"],
    "7": ["Coupon"],
    "private": ["Coupon"],
    "ändern": ["Coupon"],
    "shop@2.1.1": ["Coupon"],
    "shop@": ["Bank", "Coupon"],
    '"quoted\\"': None,
    "plan": [],
    "fell over": ["Bank", "Coupon", "Plain"],
    "over fell": ["Bank", "Coupon", "Plain"],
    '"over fell"': [],
    "fell !private": ["Bank", "Plain"],
    "!in_bank": ["Coupon", "Plain"],
    "bank.py:10": ["Bank"],
    "fell AND coupon": ["Coupon"],
    "is:open level:fatal env:staging plan:trade bank": ["Bank"],
    "handled:yes": [],
    "platform:python": ["Bank", "Coupon", "Plain"],
    "Coupon: fell": ["Coupon"],
    "100%": [],
    "C:\\temp": [],
    "https://shop.example/cart": ["Coupon"],
}


def test_words_of_a_search(both_databases, as_alice, runs):
    answers = {
        query: sorted(title.partition(":")[0] for title in titles(as_alice, query))
        for query, expected in FOUND.items()
        if expected is not None
    }
    assert answers == {query: expected for query, expected in FOUND.items() if expected is not None}


@pytest.mark.parametrize("writing", ["{0}", "event:{0}", " id:{0} ", "{1}", "event:{1}"])
def test_the_id_of_an_event_opens_it(as_vic, runs, writing):
    event_id = runs["Bank"]
    dashed = "-".join(
        [event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:].upper()]
    )
    answer = as_vic.get(INBOX, query_string={"q": writing.format(event_id, dashed)})
    assert answer.status_code == 303
    page = as_vic.get(answer.location)
    assert page.status_code == 200
    assert answer.location.endswith(f"/events/{event_id}")


def test_scripts_find_the_issue_of_an_event_and_of_a_trace(get, acme, send, runs):
    trace = {"trace": {"trace_id": "ab" * 16, "span_id": "cd" * 8}}
    send(acme, raised("Traced", "one"), contexts=trace)
    url = "/api/v1/acme/shop/issues"
    assert [row["kind"] for row in get(url, q=runs["Plain"]).json["issues"]] == ["Plain"]
    assert [row["kind"] for row in get(url, q="ab" * 16).json["issues"]] == ["Traced"]
    assert [row["kind"] for row in get(url, q=f"trace:{'ab' * 16}").json["issues"]] == ["Traced"]
    assert get(url, q="ff" * 16).json["issues"] == []


def test_an_event_that_is_not_there_is_an_empty_list(as_vic, runs):
    assert titles(as_vic, "ff" * 16) == []


@at_once(
    ("query", "sentence"),
    [
        ("is:opne", "write is: with open, resolved"),
        ("!is:all", "Leave it out"),
        ("is:[open, new]", "a list has statuses alone"),
        ("level:loud", "write level: with fatal, error, warning, info or debug"),
        ("category:thing", "write category: with error"),
        ("assigned:eve@globex.test", "no member has this address"),
        ("first-seen:yesterday", "write first-seen:-24h for the last 24 hours"),
        ("last-seen:>2026-13-01", "write last-seen:-24h"),
        ("first-seen:-99999d", "write first-seen:-24h"),
        ("first-seen:0001-01-01", "write first-seen:-24h"),
        ("event:12", "an id has 32 hexadecimal digits"),
        ('"never closed', "A quotation mark is missing after"),
        ('plan:"never closed', "A quotation mark is missing after"),
        ("plan:[a", "A ] is missing after plan:[a"),
        ("plan:[]", "names nothing"),
        ("a OR b", "level:[error, fatal]"),
        ("x" * 501, "at most 500 characters"),
        ("a " * 21, "at most 20 words"),
    ],
)
def test_a_search_that_says_nothing_stays_in_its_page(as_alice, get, acme, query, sentence):
    answer = as_alice.get(INBOX, query_string={"q": query, "sort": "events"})
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#34;", '"').replace("&gt;", ">")
    page = Page(answer)
    (field,) = page.select('input[name="q"]')
    assert field.attributes["aria-invalid"] == "true"
    assert (field.attributes["value"] or "").strip() == query.strip()
    assert "q: " in get("/api/v1/acme/shop/issues", q=query).json["detail"]


@at_once("query", ["\0", "!", "*", '""', ":", "a:", "!!", "[", "has:", '"\\', "%", "\\"])
def test_odd_searches_are_answered(both_databases, as_vic, acme, make_issue, query):
    make_issue(acme)
    assert as_vic.get(INBOX, query_string={"q": query}).status_code in {200, 400, 422}


FIELDS = {
    "q": "is:opne", "status": "gone", "category": "thing", "level": "loud",
    "release": "x" * 201, "assignee": "eve@globex.test", "sort": "colour",
    "range": "1y", "since": "yesterday", "until": "2020-01-01T00:00", "zone": "Mars/Base",
    "environment": "x" * 65, "compare": "never",
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
@at_once("path", ["", "volume"])
def test_whatever_is_wrong_in_the_address_is_marked_in_the_page(as_vic, acme, field, path):
    answer = as_vic.get(INBOX + path, query_string={field: FIELDS[field]})
    assert answer.status_code == 422
    assert '<nav class="rail' in answer.text
    assert 'aria-invalid="true"' in answer.text


NARROWED = {
    "release:shop@2.1.1": 2, "!release:shop@2.1.1": 5, "plan:private": 2, "!plan:private": 5,
    "has:user": 6, "level:error": 6, "is:open fell": 7, "aiko": 6, "!aiko": 1, "user:7": 2,
    "is:resolved": 0, "level:error plan:trade": 4, "type:coupon": 6, "first-seen:+1h": 0,
}  # fmt: skip


def test_the_chart_and_the_rows_count_the_events_that_a_search_wants(as_vic, acme, send):
    """One issue with two releases, plans and users, and another one."""
    frames = [{"function": "pay", "filename": "pay.py", "in_app": True}]
    for number in range(6):
        more = RUNS["Coupon"] if number < 2 else RUNS["Bank"] | {"level": "error"}
        send(acme, raised("Coupon", "fell over", frames=frames, **more))
    send(acme, raised("Plain", "fell", **RUNS["Plain"]))
    for query, expected in NARROWED.items():
        asked = {"q": query, "range": "24h"}
        rows = Page(as_vic.get(INBOX, query_string=asked, headers=HTMX)).rows()
        assert sum(int(row["Events"]) for row in rows) == expected, query
        part = as_vic.get(f"{INBOX}volume", query_string=asked, headers=HTMX)
        assert Page(part).charted(kind="bar") == expected, query


def test_a_release_of_the_list_is_counted_from_copies_by_hash(as_vic, runs):
    """The menu and the word mean the same, and the line below the table names it."""
    for query in ({"release": "shop@2.1.1"}, {"q": "release:shop@2.1.1"}):
        page = as_vic.get(INBOX, query_string=query)
        assert [row.title for row in Page(page).rows()] == ["Coupon: fell over"]
        assert "last 14 days, shop@2.1.1" in " ".join(page.text.split())
    both = {"release": "shop@2.1.1", "q": "release:shop@2.2.0"}
    assert Page(as_vic.get(INBOX, query_string=both)).rows() == []
