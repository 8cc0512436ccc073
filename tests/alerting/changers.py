"""A process that makes and changes things as scripts do, to be killed while it does."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from console.app import create_app
from console.core import clock
from console.core.config import Config
from tests.support.clients import bearer

API = "/api/v1/acme/shop"
CHECK = {"url": "https://shop.example.com/", "interval_seconds": 3600}


def change_without_end(
    settings: Config, secret: str, members: Sequence[int], name: str, began: Any
) -> None:
    """Make rules, silences, maintenance windows and status pages, and change each rule once.

    `began` is set after the first of each.
    """
    client = create_app(settings).test_client()

    def send(method: str, path: str, **document: Any) -> dict[str, Any]:
        answer = client.open(f"{API}/{path}", method=method, json=document, headers=bearer(secret))
        assert answer.status_code in {200, 201}, answer.text
        body = answer.json
        assert body is not None
        return dict(body)

    checks = [send("POST", "checks", name=f"{name} {n}", **CHECK)["id"] for n in range(2)]
    now = clock.now()
    begins, ends = now.isoformat(), (now + timedelta(days=1)).isoformat()
    for number in count():
        own = f"{name} {number}"
        watched = {"name": own, "metric": "errors.events", "op": ">"}
        rule = send("POST", "rules", levels={"critical": 5}, **watched)
        both = {"members": [str(member) for member in members], "level": "critical"}
        send("POST", "rules", name=f"{own}, both", **both)
        send("PUT", f"rules/{rule['id']}", levels={"critical": 6}, **watched)
        send("POST", "silences", reason=own, ends=ends)
        send("POST", "maintenance", reason=own, check=checks[0], starts_at=begins, ends_at=ends)
        send("POST", "status-pages", title=own, checks=checks)
        began.set()
