"""Client addresses: the names of fields that hold one, and what of one may be kept."""

import ipaddress
import re
from functools import lru_cache

# A field whose name, without separators, ends like this holds the address of a client or a peer.
_ENDINGS = (
    "ipaddress",
    "ipaddresses",
    "ipv4address",
    "ipv6address",
    "remoteaddr",
    "remoteaddress",
    "remoteip",
    "clientip",
    "clientaddress",
    "clientaddr",
    "forwardedfor",
    "proxiedfor",
    "forwarded",
    "realip",
    "connectingip",
    "connectingipv6",
    "pseudoipv4",
    "connectionip",
    "socketip",
    "socketaddress",
    "socketaddr",
    "externaladdress",
    "comingfrom",
    "originatingip",
    "hostip",
    "ipaddr",
    "userip",
    "useraddress",
    "visitorip",
    "sourceip",
    "sourceaddress",
    "srcip",
    "peeraddress",
    "peerip",
    "peeraddr",
)
# What may be an address, or something else that stays: the names of proxies, a street, a program.
_WORDS = frozenset({"ip", "ips", "via"})
_OTHER_ENDINGS = ("ipv4", "ipv6", "peername")
_EXACT = frozenset(
    {"address", "addr", "addresses", "client", "peer", "remote", "visitor", "xclient"}
)
_ADDRESS = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})(?:%[\w.-]{1,30})?\](?::\d{1,5})?"
    r"|(?<![\w.:])(?:"
    r"(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?"
    r"|(?P<v6>[0-9A-Fa-f:]{1,30}:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,38})"
    r"(?:%[\w.-]{1,30})?"
    r")(?!\w|\.\w)"
)
_REMEMBERED_LENGTH = 200
_SMALLEST = 1 << 24  # of an IPv4 address as a number; smaller ones number something else
_NUMBERS = range(_SMALLEST, 1 << 32)


def is_of_an_address(joined: str) -> bool:
    """Whether a field of this name, without case and separators, holds an address alone."""
    return joined == "ip" or joined.endswith(_ENDINGS) or "forwardedfor" in joined


def may_be_of_an_address(words: list[str], joined: str) -> bool:
    """Whether a field of this name, also given in words, may hold an address."""
    last = words[-1] if words else ""
    return last in _WORDS or joined in _EXACT or joined.endswith(_OTHER_ENDINGS)


def has_address(text: str) -> bool:
    """Whether there is an IP address in a text."""
    return any(_network(match) is not None for match in _ADDRESS.finditer(text))


def truncate_ip(text: str) -> str:
    """A text whose addresses are without host part (IPv4 /24, IPv6 /48), port, zone and brackets.

    Proxies, programs and logs write them in many ways: `203.0.113.7:443, [2001:db8::1]`,
    `for=203.0.113.7;proto=https` (RFC 7239), `/203.0.113.7:80`, `1.1 203.0.113.7 (squid)`.
    """
    return _truncated(text) if len(text) <= _REMEMBERED_LENGTH else _ADDRESS.sub(_short, text)


@lru_cache(maxsize=4096)  # a service meets the same visitors and proxies again and again
def _truncated(text: str) -> str:
    return _ADDRESS.sub(_short, text)


def is_address_number(number: int) -> bool:
    """Whether a number may be an IPv4 address, as databases keep it."""
    return number in _NUMBERS


def truncate_number(number: int) -> int:
    """An IPv4 address as a number, without its host part."""
    return number & ~0xFF


def _short(match: re.Match[str]) -> str:
    network = _network(match)
    return match[0] if network is None else network


def _network(match: re.Match[str]) -> str | None:
    """The network of a candidate; None if it is no address."""
    text = match["v4"] or match["v6"] or match["bracketed"]
    if ":" not in text:
        return _network_of_v4(text)
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        return _network_of_v4(str(address.ipv4_mapped))
    return str(ipaddress.ip_network((address, 48), strict=False).network_address)


def _network_of_v4(text: str) -> str | None:
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        return None
    return ".".join(str(int(part)) for part in parts[:3]) + ".0"
