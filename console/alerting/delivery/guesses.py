"""Whoever asks for many links that do not exist waits: tokens are not to be guessed."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from console.accounts.throttle import networks
from console.core import clock

MOST, WITHIN = 30, 60.0
"""So many unknown tokens from one network in so many seconds."""
MOST_NETWORKS = 10_000
_lock = Lock()
_counts: OrderedDict[str, tuple[float, int]] = OrderedDict()


def are_many(address: str) -> bool:
    """Whether the network of an address has asked for too many of late."""
    with _lock:
        since, count = _counts.get(networks(address)[0], (0.0, 0))
    return count >= MOST and clock.monotonic() - since < WITHIN


def count(address: str) -> None:
    """Count an unknown token."""
    network = networks(address)[0]
    with _lock:
        since, number = _counts.pop(network, (clock.monotonic(), 0))
        if clock.monotonic() - since >= WITHIN:
            since, number = clock.monotonic(), 0
        _counts[network] = since, number + 1
        while len(_counts) > MOST_NETWORKS:
            _counts.popitem(last=False)


def forget_all() -> None:
    """Begin to count anew."""
    with _lock:
        _counts.clear()
