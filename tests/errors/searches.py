"""Events for searches: three issues that differ in all that a search can name."""

from collections.abc import Sequence
from typing import Any

AIKO = {"id": 7, "email": "Aiko@shop.example"}
RUNS: dict[str, dict[str, Any]] = {
    "Coupon": {
        "environment": "production", "release": "shop@2.1.1", "level": "error", "user": AIKO,
        "tags": {"plan": "private", "Größe": "ÄNDERN", "note": 'a "quoted" *'},
        "transaction": "/checkout",
        "request": {"url": "https://shop.example/cart?x=1"},
    },
    "Bank": {
        "environment": "staging", "release": "shop@2.2.0", "level": "fatal",
        "user": {"id": "mio"}, "tags": {"plan": "trade"},
    },
    "Plain": {"environment": "production", "release": "api@1.0", "level": "warning"},
}  # fmt: skip


def raised(
    kind: str, value: str, *, frames: Sequence[dict[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """An event as SDKs send it."""
    exception = {"type": kind, "value": value, "stacktrace": {"frames": list(frames)}}
    return {"platform": "python", "exception": {"values": [exception]}, **more}
