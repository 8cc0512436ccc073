"""How much of a visitor's address is kept, under any of the names that it comes by."""

from typing import Any

import pytest

from console.ingest.scrub import IpPolicy, Scrubber, ScrubRules


def scrubbed(value: Any, policy: IpPolicy = "truncate") -> Any:
    return Scrubber(ScrubRules(ip=policy)).scrub(value)


@pytest.mark.parametrize(
    ("policy", "address", "kept"),
    [
        ("truncate", "203.0.113.9", "203.0.113.0"),
        ("truncate", "2001:db8:1:2:3::4", "2001:db8:1::"),
        ("truncate", "::ffff:203.0.113.9", "203.0.113.0"),
        ("truncate", "203.0.113.9, 198.51.100.7:443", "203.0.113.0, 198.51.100.0"),
        ("truncate", "[2001:db8::9]:443", "2001:db8::"),
        ("truncate", "'203.0.113.9'", "'203.0.113.0'"),
        (
            "truncate",
            "for=203.0.113.9;proto=https;by=198.51.100.7",
            "for=203.0.113.0;proto=https;by=198.51.100.0",
        ),
        ("truncate", 'For="[2001:db8::9]:443", for=unknown', 'For="2001:db8::", for=unknown'),
        ("truncate", "{{auto}}", "{{auto}}"),
        ("truncate", None, None),
        ("keep", "203.0.113.9", "203.0.113.9"),
        ("remove", "203.0.113.9", None),
    ],
)
def test_ip_policy(policy, address, kept):
    for name in ("ip_address", "REMOTE_ADDR", "X-Forwarded-For", "Forwarded", "client.address"):
        assert scrubbed({name: address}, policy) == {name: kept}
    streamed = {"value": address, "type": "string"}
    assert scrubbed({"client.address": streamed}, policy)["client.address"]["value"] == kept


@pytest.mark.parametrize(
    "name",
    [
        "CF-Connecting-IPv6",
        "CF-Pseudo-IPv4",
        "X-Azure-SocketIP",
        "X-Envoy-External-Address",
        "X-Nf-Client-Connection-Ip",
        "client.socket.address",
        "http.request.header.forwarded",
        "ip_addr",
        "source.address",
        "visitor_ip",
    ],
)
def test_proxies_and_programs_have_many_names_for_it(name):
    assert scrubbed({name: "203.0.113.9"}) == {name: "203.0.113.0"}


def test_what_is_no_address_stays():
    sample = {"is_forwarded": True, "forwarded": 7, "note.forwarded": "to=bob;for=a friend"}
    assert scrubbed(sample) == sample
