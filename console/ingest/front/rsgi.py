"""The way in: who may send is known before a body is read, and no wait of one holds up another."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask

from console.ingest.accept import accept, sifted, sifted_at_once
from console.ingest.auth import STRANGER_SECONDS, Refusal
from console.ingest.front.bodies import (
    BUFFERED,
    PATIENT_DRAIN,
    Body,
    Incoming,
    Room,
    too_large,
)
from console.ingest.front.endpoints import Endpoints, Reply, believing, preflight, replied
from console.ingest.front.heads import Head, environ_of
from console.ingest.front.places import Crew, NoPlace, Places, network
from console.ingest.judging import (
    NO_PLACE,
    Answer,
    Submission,
    has_key,
    judge,
    judge_beginning,
    not_durable,
    stopping,
    turned_away,
    unknown_now,
)
from console.ingest.spool import SpoolUnavailable
from console.web.incoming import FORM_LIMIT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Bodies on their way in, of senders whose key is known: at most SENDERS × BUFFERED = 128 MiB, and
# LARGE × BODY_LIMIT = 160 MiB. One address is a host, or all that stand behind one router.
SENDERS, SENDERS_OF_ONE = 512, 256
LARGE, LARGE_OF_ONE = 8, 4
SENDER_PATIENCE = 2.0  # to refuse an event is to lose it, to leave it in the socket costs nothing
# The same of anybody. Of envelopes only the first UNJUDGED bytes, as zstd needs a whole block: at
# most 40 MiB. Of forms SMALL_FORM each, until their page is made, and FORM_LIMIT of a few: at most
# (STRANGERS + PAGES) × SMALL_FORM + FORMS × FORM_LIMIT = 64 MiB.
STRANGERS, STRANGERS_OF_ONE = 256, 32
UNJUDGED = 160 << 10
SMALL_FORM = 64 << 10  # nobody who is not signed in has a larger one to send
FORMS, FORMS_OF_ONE = 32, 4
FORM_PATIENCE = 5.0
FORM_WINDOW_BYTES = 100_000
PAGES, PAGES_OF_ONE = 256, 64  # under way or waiting for a thread
PAGE_PATIENCE = 10.0
JUDGING = 16  # threads that wait for the database where a key is not known, or not any more
SIFTING = LARGE + 4  # threads that inflate and read what is large, one at a time the largest
# Pages of links ask as much as dashboards: one thread in LINKED_SHARE is for all of them, and half
# of these for one address, so that no number of strangers keeps members waiting.
LINKED, LINKED_SHARE = ("/shared/", "/r/"), 4
HEALTH = ("/healthz", "/ready")
RETRY = {"Retry-After": "5"}
LAST_SECONDS = 1.0  # for the bodies of requests whose heads came when the console stopped
PLAIN = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]

log = logging.getLogger(__name__)


class Wire(Incoming, Protocol):
    """What granian gives to read a request from and to answer it by."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer; a second answer is none."""


class Front:
    """The application that granian calls, on the event loop, as soon as a header is there.

    Ingest has threads of its own, so that slow pages or a database that hangs never make an event
    wait; so have /healthz and /ready. A sender that dribbles has a place among bodies, and no
    thread.
    """

    def __init__(self, app: Flask, pages: int) -> None:
        """`pages` is how many pages may be made at once."""
        self._endpoints = Endpoints(app, app)
        self._believe = believing(app)
        self._senders = Places(SENDERS, SENDERS_OF_ONE, patience=SENDER_PATIENCE)
        self._strangers = Places(STRANGERS, STRANGERS_OF_ONE)
        self._large = Room(Places(LARGE, LARGE_OF_ONE, patience=30.0))
        forms = Places(FORMS, FORMS_OF_ONE, patience=FORM_PATIENCE)
        self._forms = Room(forms, SMALL_FORM, FORM_WINDOW_BYTES)
        self._pages = Places(PAGES, PAGES_OF_ONE)
        self._judging = Crew("judge", JUDGING)
        self._sifting = Crew("sift", SIFTING)
        linked = max(1, pages // LINKED_SHARE)
        self._paging = Crew("page", max(1, pages - linked))
        self._linking = Crew("link", linked)
        self._linked = Places(linked, max(1, linked // 2), patience=PAGE_PATIENCE)
        self._health = Crew("health", len(HEALTH))
        self._looking: dict[str, asyncio.Task[Reply]] = {}
        self._reading: set[asyncio.Task[Any]] = set()
        self._is_closing = False

    async def __call__(self, head: Head, wire: Wire) -> None:
        """Answer a request."""
        try:
            await self._answer(environ_of(head), wire)
        except asyncio.CancelledError:
            answer(wire, plain(503, "The console stops.", RETRY), last=True)
        except Exception:
            log.exception("a request was not answered")
            answer(wire, plain(500, "Something broke on our side."), last=True)

    def close(self) -> None:
        """Answer those whose bodies are on their way still, and wait for hardly any from now on."""
        self._is_closing = True
        for task in self._reading:
            task.cancel()

    async def _answer(self, environ: "WSGIEnvironment", wire: Wire) -> None:
        self._believe(environ)
        address = network(environ.get("REMOTE_ADDR", ""))
        if "HTTP_TRANSFER_ENCODING" in environ and "CONTENT_LENGTH" in environ:
            detail = "A request with two lengths may mean another thing to a proxy in front."
            answer(wire, plain(400, detail), last=True)
            return
        length = _length(environ)
        if environ["PATH_INFO"] in HEALTH and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            answer(wire, await self._health_of(environ | {"REQUEST_METHOD": "GET"}))
            return
        submission = self._endpoints.submission(environ)
        if submission is not None and environ["REQUEST_METHOD"] == "OPTIONS":
            answer(wire, preflight(submission.origin))
            return
        room = self._forms if submission is None else self._large
        body = Body(wire, length, room=room, address=address)
        declined = self._endpoints.declined(environ) if submission is None else None
        if declined is not None:
            answer(wire, declined, last=(length or 0) > BUFFERED)
            await body.discard()
            return
        try:
            if submission is None:
                await self._page(environ, wire, body, length, address)
            else:
                await self._event(submission, wire, body, length, address)
        finally:
            body.forget()

    async def _health_of(self, environ: "WSGIEnvironment") -> Reply:
        """How the console does: each question once, on behalf of all who ask it meanwhile."""
        path = environ["PATH_INFO"]
        looking = self._looking.get(path)
        if looking is None or looking.done():
            look = self._health.do(partial(run, self._endpoints, environ))
            looking = self._looking[path] = asyncio.create_task(look)
        return await asyncio.shield(looking)

    async def _event(
        self, submission: Submission, wire: Wire, body: Body, length: int | None, address: str
    ) -> None:
        known = has_key(submission)
        refused = await self._judged(submission) if known else None
        if refused is not None:
            answer(wire, replied(refused, submission), last=(length or 0) > BUFFERED)
            await body.discard(patient=refused.status == 429)
            return
        try:
            if submission.protocol.ignores and known:
                await self._let_go(submission, wire, body, length, address)
                return
            limit = submission.protocol.body_limit
            if length is not None and length > limit:
                raise too_large(limit)
            if not known and not await self._may_go_on(submission, wire, body, address):
                return
            await self._senders.take(address)
            try:
                await self._take_in(submission, wire, body)
            finally:
                self._senders.give_back(address)
        except asyncio.CancelledError:
            if self._is_closing:
                turned_away(submission, stopping(), self._endpoints.doors)
            raise
        except (Refusal, NoPlace) as error:
            turned = self._turned_away(submission, error)
            answer(wire, replied(turned, submission), last=True)
            await body.discard(patient=known and turned.status != 408)

    async def _let_go(
        self, submission: Submission, wire: Wire, body: Body, length: int | None, address: str
    ) -> None:
        """Answer a request of which nothing is kept, once most clients have sent all of it."""
        await self._senders.take(address)
        try:
            await body.discard(patient=True)
        finally:
            self._senders.give_back(address)
        ignored = accept(submission, self._endpoints.doors)
        answer(wire, replied(ignored, submission), last=length is None or length > PATIENT_DRAIN)

    def _turned_away(self, submission: Submission, error: Refusal | NoPlace) -> Answer:
        # In the frame that caught it, a second name for the error would keep both, and the body.
        refusal = error if isinstance(error, Refusal) else no_place()
        return turned_away(submission, refusal, self._endpoints.doors)

    async def _judged(self, submission: Submission) -> Answer | None:
        doors = self._endpoints.doors
        if doors.keys.is_fresh(submission.key):
            return judge(submission, doors)
        return await self._judging.do(partial(self._judge, submission, time.monotonic()))

    def _judge(self, submission: Submission, came: float) -> Answer | None:
        """Ask the database for a key, unless it has kept others waiting for too long already."""
        if time.monotonic() - came > STRANGER_SECONDS and not self._endpoints.doors.keys.is_fresh(
            submission.key
        ):
            return unknown_now(submission, self._endpoints.doors)
        return judge(submission, self._endpoints.doors)

    async def _may_go_on(
        self, submission: Submission, wire: Wire, body: Body, address: str
    ) -> bool:
        """Whether a sender whose key is in the body may send the rest of it; answers if not."""
        await self._read_as_stranger(body, UNJUDGED, address)
        if body.is_whole or submission.protocol.body_limit <= UNJUDGED:
            return True
        begun = replace(submission, body=body.content)
        refused = await self._judging.do(partial(judge_beginning, begun, self._endpoints.doors))
        if refused is None:
            return True
        answer(wire, replied(refused, submission), last=True)
        await body.discard()
        return False

    async def _take_in(self, submission: Submission, wire: Wire, body: Body) -> None:
        limit = submission.protocol.body_limit
        await self._read(body, limit + 1)
        if body.size > limit:
            raise too_large(limit)
        doors = self._endpoints.doors
        whole = submission.with_body(body.content)
        sound = sifted_at_once(whole, doors) if body.size <= BUFFERED else None
        if sound is None:
            sound = await self._sifting.do(partial(sifted, whole, doors))
        if sound.row is not None:
            try:
                await doors.spool.append_meanwhile(sound.row)
            except SpoolUnavailable as full:
                sound = not_durable(sound, full, doors.refusals)
        answer(wire, replied(sound, whole))

    async def _page(
        self,
        environ: "WSGIEnvironment",
        wire: Wire,
        body: Body,
        length: int | None,
        address: str,
    ) -> None:
        try:
            if length != 0:
                await self._read_form(environ, body, length, address)
            await self._pages.take(address)
            show = partial(self._show, environ, wire, time.monotonic())
            try:
                if ("/" + environ["PATH_INFO"].lstrip("/")).startswith(LINKED):
                    await self._show_linked(show, address)
                else:
                    await self._paging.do(show)
            finally:
                self._pages.give_back(address)
        except NoPlace:
            answer(wire, BUSY, last=True)
        except Refusal as refusal:
            answer(wire, plain(refusal.status, refusal.detail, refusal.headers), last=True)
            await body.discard()

    async def _show_linked(self, show: Callable[[], None], address: str) -> None:
        await self._linked.take(address)
        try:
            await self._linking.do(show)
        finally:
            self._linked.give_back(address)

    async def _read_form(
        self, environ: "WSGIEnvironment", body: Body, length: int | None, address: str
    ) -> None:
        """Put the form into the request; of one that is too large its length, for a page of 413."""
        size = length or 0
        if size <= FORM_LIMIT:
            await self._read_as_stranger(body, FORM_LIMIT + 1, address)
            size = body.size
        if size <= FORM_LIMIT:
            environ["wsgi.input"] = BytesIO(body.content)
        environ["CONTENT_LENGTH"] = str(size)
        environ.pop("HTTP_TRANSFER_ENCODING", None)

    async def _read_as_stranger(self, body: Body, upto: int, address: str) -> None:
        await self._strangers.take(address)
        try:
            await self._read(body, upto)
        finally:
            self._strangers.give_back(address)

    async def _read(self, body: Body, upto: int) -> None:
        """Read on, unless the console stops meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self._reading.add(task)
        # A body that is here already is taken all the same: to refuse an event is to lose it.
        loop = asyncio.get_running_loop()
        last = loop.call_later(LAST_SECONDS, task.cancel) if self._is_closing else None
        try:
            await body.read(upto)
        finally:
            self._reading.discard(task)
            if last is not None:
                last.cancel()

    def _show(self, environ: "WSGIEnvironment", wire: Wire, came: float) -> None:
        """Make a page, in one of the threads for that; not if whoever asked has given up by now."""
        waited = time.monotonic() - came
        answer(wire, BUSY if waited > PAGE_PATIENCE else run(self._endpoints, environ))


def run(app: Any, environ: "WSGIEnvironment") -> Reply:
    """What a WSGI application answers, whole."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
        begun[:] = [(status, headers)]

    parts: Iterable[bytes] = app(environ, start)
    try:
        content = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    ((status, headers),) = begun
    return Reply(int(status[:3]), headers, content)


def answer(wire: Wire, reply: Reply, *, last: bool = False) -> None:
    """Send an answer; `last` ends the connection, whose body nobody reads to its end."""
    headers = [*reply.headers, ("Connection", "close")] if last else reply.headers
    wire.response_bytes(reply.status, headers, reply.content)


def plain(status: int, sentence: str, headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
    """An answer in words, where there is no page to say them in."""
    content = f"{HTTPStatus(status).phrase}: {sentence}\n".encode()
    return Reply(status, [*PLAIN, *headers.items()], content)


BUSY = plain(503, "Too many pages are asked for at once. Try again in a moment.", RETRY)


def no_place() -> Refusal:
    """The refusal where as many as may be are on their way already."""
    detail = "too many requests are on their way, from this address or from everywhere: try again"
    return Refusal(503, NO_PLACE, detail, headers=RETRY)


def _length(environ: "WSGIEnvironment") -> int | None:
    """How long a body is; None if it comes chunked, 0 if there is none."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    announced = environ.get("CONTENT_LENGTH", "0")
    return int(announced) if announced.isdecimal() else 0
