"""Which network addresses this console may call: public ones only.

Whoever can name a URL here (a check, a webhook) must not reach what only this machine can.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_SITE_LOCAL = IPv6Network("fec0::/10")
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637
# Python counts these as global, and networks have servers of their own there: the metadata of
# Oracle's cloud in the first (RFC 6890), Azure's WireServer, and relays of 6to4 (RFC 7526).
_OF_NETWORKS = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.88.99.0/24"),
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""What comes before the IPv4 address in the last 64 bits (RFC 5214)."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet; False for anything that is no address.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo, NAT64, ISATAP) is as public as
    that one.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(address) for address in (parsed, *_carried(parsed)))


def _is_public(address: Address) -> bool:
    # Python counts multicast and the site-local addresses of old as global.
    if not address.is_global or address.is_multicast or address.is_reserved:
        return _is_translated(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _OF_NETWORKS)
    return not any(address in network for network in (_COMPATIBLE, _SITE_LOCAL, _DOCUMENTATION))


def _is_translated(address: Address) -> bool:
    """Whether a translator passes it on to the IPv4 address in it, which is checked by itself."""
    return isinstance(address, IPv6Address) and address in _TRANSLATED[0]


def _carried(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    teredo = address.teredo
    candidates = (address.ipv4_mapped, address.sixtofour, *(teredo or ()))
    carried = [address for address in candidates if address is not None]
    is_isatap = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    if is_isatap or any(address in network for network in _TRANSLATED):
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(carried)
