"""Who may send what: reads a request's key in all forms that clients use, and looks it up."""

import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from types import MappingProxyType
from urllib.parse import unquote

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from console.accounts.models import Key, MonitoringConfig
from console.core import clock, patience
from console.core.crypto import Token
from console.core.db import db, reading
from console.core.tenancy import bearer, enter_organization
from console.core.urls import split_url

EXTENSION = "pharos.keys"
FRESH_SECONDS = 5.0  # how late a disabled or rotated key, or a new quota, takes effect
PATIENCE_SECONDS = 0.2  # for a known one; who waits in vain spares it the others, until one answers
LOOK_UPS = 24  # all together
STRANGER_SECONDS = 3.0  # for a key that was not seen before
STRANGERS = 16  # such keys that may be looked up at once
LOOK_UP_SECONDS = 5.0
REMEMBERED = 10_000  # keys, valid or not; beyond it everything is looked up again
AUTH_KEY = re.compile(r"[\s,]sentry_key\s*=\s*\"?([^\s,\"]*)", re.IGNORECASE)
BEARER = re.compile(rf"bearer\s+(?:{Token.PROJECT_KEY}_)?(\S+)", re.IGNORECASE)
AUTH_CLIENT = re.compile(r"[\s,]sentry_client\s*=\s*([^\s,]+)", re.IGNORECASE)
PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{32}")

NO_KEY = "no key"
BAD_KEY = "malformed key"
UNKNOWN_KEY = "unknown key"
DISABLED_KEY = "disabled key"
OTHER_PROJECT = "key of another project"
OTHER_SERVER = "dsn of another server"
ORIGIN = "origin not allowed"


class Refusal(Exception):
    """A request that accept refuses, with words for the client and for the loss ledger.

    `grant` belongs to the presented key, if that is known. `headers` say how long the client has
    to wait.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        grant: "Grant | None" = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keep the answer, and the grant that it concerns."""
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.grant = grant
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Grant:
    """What a public key opens."""

    key_id: int
    organization_id: int
    project_id: int
    quota_per_minute: int | None
    disabled: bool
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dsn:
    """A client's address of a project."""

    public_key: str
    host: str
    project_id: int


class KeysUnavailable(Exception):
    """A key that was not presented before cannot be looked up now."""


@dataclass(frozen=True, slots=True)
class Known:
    """The result of a key's look-up, and until when (on the monotonic clock) it is valid."""

    grant: Grant | None
    until: float


class KeyRing:
    """The recently presented keys, so that accept reads the database only every few seconds.

    Separate threads read it, so that a hanging database delays no event: known keys go on working
    with their last known grant.
    """

    def __init__(self, app: Flask) -> None:
        """`app` is the app whose database has the keys."""
        self._app = app
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Grant | None]] = {}
        self._is_slow = False

    def grant(self, public_key: str) -> Grant | None:
        """Return what the key opens, None if there is no such key.

        Raises SQLAlchemyError or KeysUnavailable if the key was not seen before and the database
        fails, or has not answered in time.
        """
        known = self._known.get(public_key)
        if known and known.until > clock.monotonic():
            return known.grant
        if known and known.grant:
            return self._renewed(public_key, known.grant)
        try:
            return self._looked_up(public_key, STRANGERS).result(STRANGER_SECONDS)
        except TimeoutError:
            raise KeysUnavailable from None

    def is_fresh(self, public_key: str | None) -> bool:
        """Whether `grant` answers from memory."""
        known = self._known.get((public_key or "").lower())
        return known is not None and known.until > clock.monotonic()

    def at_hand(self, public_key: str | None) -> Grant | None:
        """The key's grant at its last look-up; None if there was none."""
        known = self._known.get((public_key or "").lower())
        return known.grant if known else None

    def _renewed(self, public_key: str, grant: Grant) -> Grant | None:
        """The key's present grant, or its former one if the database does not answer at once."""
        try:
            lookup = self._looked_up(public_key, LOOK_UPS)
            if self._is_slow and not lookup.done():
                return grant
            return lookup.result(PATIENCE_SECONDS)
        except (TimeoutError, SQLAlchemyError):
            self._is_slow = True
            return grant
        except KeysUnavailable:
            return grant

    def _looked_up(self, public_key: str, most: int) -> Future[Grant | None]:
        """The look-up under way for this key, begun now if there are fewer than `most`."""
        with self._lock:
            lookup = self._under_way.get(public_key)
            if lookup is None:
                if len(self._under_way) >= most:
                    raise KeysUnavailable
                lookup = self._under_way[public_key] = Future()
                threading.Thread(target=self._ask, args=(public_key, lookup), daemon=True).start()
        return lookup

    def _ask(self, public_key: str, lookup: "Future[Grant | None]") -> None:
        known = self._known.get(public_key)
        try:
            with self._app.app_context(), patience.within(LOOK_UP_SECONDS):
                grant = _look_up(public_key)
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            if known and known.grant:
                self._remember(public_key, known.grant)
            answer = partial(lookup.set_exception, error)
        else:
            self._is_slow = False
            self._remember(public_key, grant)
            answer = partial(lookup.set_result, grant)
        with self._lock:
            del self._under_way[public_key]
        answer()

    def _remember(self, public_key: str, grant: Grant | None) -> None:
        if len(self._known) >= REMEMBERED:
            strangers = [key for key, known in self._known.copy().items() if known.grant is None]
            for key in strangers or list(self._known):
                self._known.pop(key, None)
        self._known[public_key] = Known(grant, clock.monotonic() + FRESH_SECONDS)


def init_app(app: Flask) -> None:
    """Give the app its memory of keys."""
    app.extensions[EXTENSION] = KeyRing(app)


def presented_key(*headers: str, query: Mapping[str, str]) -> str | None:
    """The public key that a request carries outside its body, as it was written.

    In X-Sentry-Auth or Authorization, given as `headers`, with the scheme Sentry, else as
    `sentry_key` in the query (develop.sentry.dev, "Authentication").
    """
    for header in map(_unquoted, headers):
        is_ours = header[:6].lower() == "sentry" and header[6:7] in {" ", "\t"}
        match = AUTH_KEY.search(header) if is_ours else None
        if match:
            return match[1]
    return query.get("sentry_key")


def presented_dsn(header: str, query: Mapping[str, str]) -> Dsn | None:
    """The DSN of a request that carries no other key: of a page's dialogue, or of old feedback.

    The latter has "Authorization: DSN https://…".
    """
    scheme, _, text = header.strip().partition(" ")
    return parse_dsn(text.strip() if scheme.lower() == "dsn" else query.get("dsn"))


def bearer_key(header: str) -> str | None:
    """The public key in "Authorization: Bearer …", with PostHog's prefix for such keys or without.

    Clients of OTLP have no field for a key, only headers; PostHog's put the project's token there.
    """
    match = BEARER.fullmatch(_unquoted(header).strip())
    return match[1] if match else None


def _unquoted(header: str) -> str:
    """The header without percent-encoding, which OTEL_EXPORTER_OTLP_HEADERS has to have.

    Not every client undoes it before it sends: open-telemetry/opentelemetry-python#4492.
    """
    return unquote(header) if "%" in header else header


def client_name(header: str, query: Mapping[str, str], user_agent: str) -> str:
    """The SDK that a request says it comes from, e.g. sentry.python/2.75.0."""
    match = AUTH_CLIENT.search(header)
    name = match[1] if match else query.get("sentry_client") or user_agent
    return name[:100]


def parse_dsn(text: object) -> Dsn | None:
    """The DSN in an envelope's header, None if it is not one."""
    if not isinstance(text, str):
        return None
    try:
        parts = split_url(text)
        project_id = int(parts.path.rpartition("/")[2])
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.username:
        return None
    return Dsn(parts.username, plain_host(parts.netloc.rpartition("@")[2]), project_id)


def plain_host(netloc: str) -> str:
    """Host and port as they are compared: in lower case, without a port that need not be named."""
    return netloc.lower().removesuffix(":443").removesuffix(":80")


def authorized(
    ring: KeyRing, public_key: str | None, project_id: int | None, *, origin: str
) -> Grant:
    """The key's grant for this project; raise Refusal with the precise reason if it has none.

    If the request names no project, the key alone decides which one it is.
    """
    if not public_key:
        raise Refusal(
            401,
            NO_KEY,
            "the request carries no key: neither an X-Sentry-Auth header, nor sentry_key in the"
            " query, nor a dsn in the envelope's header, nor, with OTLP, Authorization: Bearer",
        )
    if not PUBLIC_KEY.fullmatch(public_key):
        shown = _shown(public_key)
        detail = f"{shown} is not a key: a key is 32 hex digits, the part of a DSN before its @"
        raise Refusal(403, BAD_KEY, detail)
    grant = ring.grant(public_key.lower())
    if grant is None:
        raise Refusal(403, UNKNOWN_KEY, f"there is no key {_shown(public_key)} on this server")
    if project_id is not None and grant.project_id != project_id:
        detail = f"the key {_shown(public_key)} is not one of project {project_id}"
        raise Refusal(403, OTHER_PROJECT, detail, grant=grant)
    if grant.disabled:
        detail = f"the key {_shown(public_key)} is disabled"
        raise Refusal(403, DISABLED_KEY, detail, grant=grant)
    if origin and grant.origins and not any(fnmatchcase(origin, o) for o in grant.origins):
        detail = f"the origin {origin[:100]} is not one that the project allows"
        raise Refusal(403, ORIGIN, detail, grant=grant)
    return grant


def _look_up(public_key: str) -> Grant | None:
    db.session.remove()
    try:
        with reading():
            with bearer(Key, public_key):
                key = db.session.scalar(select(Key).where(Key.public_key == public_key))
            if key is None:
                return None
            enter_organization(key.organization_id)
            origins = db.session.scalar(
                select(MonitoringConfig.allowed_origins).where(
                    MonitoringConfig.project_id == key.project_id
                )
            )
            return Grant(
                key_id=key.id,
                organization_id=key.organization_id,
                project_id=key.project_id,
                quota_per_minute=key.quota_per_minute,
                disabled=key.is_off(),
                origins=tuple(origins or ()),
            )
    finally:
        db.session.remove()  # the request goes on to wait for the disk, not with a connection


def _shown(public_key: str) -> str:
    """A part of the key to recognise it by, too short to use; ASCII, for headers."""
    return f"{public_key[:4]!a}..."
