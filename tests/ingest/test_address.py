from dataclasses import replace

import pytest

from console.ingest.sentry.items import decode
from tests.ingest.corpus.reading import context, item

HERE, ELSEWHERE = "203.0.113.77", "198.51.100.9"
AUTO = {"ip_address": "{{auto}}"}
INFERS = {"settings": {"infer_ip": "auto"}}


def user(address: str, **fields) -> dict[str, str]:
    """The user of an event that came from an address."""
    sent = item("event", {"message": "it broke", **fields})
    (kept,) = decode(sent, replace(context(), address=address)).events
    return dict(kept.get("user", {}))


def key(address: str, **fields) -> str:
    """The key under which the user of such an event counts."""
    sent = item("event", {"message": "it broke", **fields})
    (reported,) = decode(sent, replace(context(), address=address)).errors
    return reported.user_key


@pytest.mark.parametrize("fields", [{"user": AUTO}, {"sdk": INFERS}, {"user": {}, "sdk": INFERS}])
def test_visitors_whose_address_the_server_is_to_fill_in_are_told_apart(fields):
    keys = {key(address, **fields) for address in (HERE, HERE, ELSEWHERE)}
    assert len(keys) == 2
    assert "" not in keys


def test_what_is_stored_of_the_address_is_for_the_scrubber_to_say():
    assert user(HERE, user=AUTO)["ip_address"] == "203.0.113.0"


@pytest.mark.parametrize(
    "fields",
    [{}, {"user": None}, {"user": "ada"}, {"sdk": {"settings": {"infer_ip": "never"}}}, {"sdk": 1}],
)
def test_nobody_else_gets_an_address(fields):
    assert "ip_address" not in user(HERE, **fields)


def test_an_address_that_the_client_knows_is_kept():
    assert user(HERE, user={"ip_address": ELSEWHERE}, sdk=INFERS)["ip_address"] == "198.51.100.0"


def test_without_an_address_nothing_is_filled_in():
    assert user("", user=AUTO | {"username": "ada"}) == {"username": "ada"}
