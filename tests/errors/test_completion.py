"""What the search of the inbox offers while it is written."""

from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"


def offered(client, word, **more):
    part = client.get(f"{INBOX}completions", query_string={"word": word, **more}, headers=HTMX)
    assert part.status_code == 200
    return [option.attributes["data-text"] for option in Page(part).select('[role="option"]')]


@at_once(
    ("word", "expected"),
    [
        ("i", ["is:"]),
        ("is:re", ["is:resolved", "is:regressed", "is:report"]),
        ("!is:new", ["!is:new"]),
        ("lev", ["level:"]),
        ("level:", [f"level:{level}" for level in ("fatal", "error", "warning", "info", "debug")]),
        ("release:shop", ["release:shop@2.1.1", "release:shop@2.2.0"]),
        ("environment:", ["environment:production", "environment:staging"]),
        (
            "assigned:",
            [
                "assigned:me",
                "assigned:none",
                "assigned:alice@acme.test",
                "assigned:vic@acme.test",
                "assigned:ada@acme.test",
            ],
        ),
        ("pla", ["plan:"]),
        ("plan:", ["plan:private", "plan:trade"]),
        ("plan:PRI", ["plan:private"]),
        ("größe", ['"Größe":', "Größe:"]),
        ("note:", ['note:"a \\"quoted\\" *"']),
        ("has:pl", ["has:plan"]),
        ("user:AIKO", ["user:Aiko@shop.example"]),
        ("first-seen:-2", ["first-seen:-24h"]),
        ("zzz", []),
        ("zzz:1", []),
        ("", None),
    ],
)
def test_half_a_word_is_completed(as_alice, runs, word, expected):
    texts = offered(as_alice, word)
    if word == "":
        assert texts[:3] == ["is:", "level:", "release:"]
    elif word == "größe":
        assert len(texts) == 1
        assert texts[0] in expected
    else:
        assert sorted(texts) == sorted(expected)
    for text in texts:
        if not text.endswith(":"):
            assert as_alice.get(INBOX, query_string={"q": text}).status_code == 200


def test_completions_are_of_the_project_and_for_its_members(as_alice, as_eve, runs):
    assert as_eve.get(f"{INBOX}completions?word=plan:", headers=HTMX).status_code == 404
    assert as_alice.get(f"{INBOX}completions?word={'x' * 201}").status_code == 422
    assert offered(as_alice, "plan:", range="24h", environment="staging") == ["plan:trade"]
