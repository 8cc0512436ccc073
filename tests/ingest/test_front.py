"""The way in while the console stops; what else it does is tested over sockets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import pytest

from console.core.loops import finished
from console.ingest.front.rsgi import Front
from tests.ingest.envelopes import envelope


class Wire:
    """A connection on which these pieces of a body come, and then nothing more."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.statuses: list[int] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        await asyncio.Event().wait()

    def response_bytes(self, status: int, _headers: object, _body: bytes) -> None:
        self.statuses.append(status)


@pytest.mark.parametrize(("comes", "status"), [("whole", 200), ("in part", 503)])
def test_a_request_whose_head_comes_as_the_console_stops(app, acme, key, ledger, comes, status):
    body = envelope()
    wire = Wire([body, b""] if comes == "whole" else [body[:10]])
    head = SimpleNamespace(
        http_version="1.1",
        server="127.0.0.1:80",
        client="127.0.0.1:9",
        scheme="http",
        method="POST",
        path=f"/api/{acme.id}/envelope/",
        query_string=f"sentry_key={key}",
        headers={"Content-Length": str(len(body)), "Host": "pharos"},
    )

    async def stopping() -> None:
        front = Front(app, 1)
        front.close()
        answering = asyncio.create_task(front(head, wire))
        await asyncio.wait([answering], timeout=5)  # senders are waited for longer than this
        assert answering.done()

    finished(stopping())
    assert wire.statuses == [status]
    reasons = [count.reason for count in ledger()]
    assert reasons == ([] if comes == "whole" else ["the console stopped"])
