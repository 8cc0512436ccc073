"""Dashboards inside the pages of other sites: which sites may, and tokens that these sites sign.

A signed token is a JSON Web Token (RFC 7519) with HS256. It is read here by hand: one algorithm,
no options: a token does not choose how it is checked.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest, new
from secrets import token_hex, token_urlsafe
from typing import Any, TypeGuard

from flask import Response, request
from sqlalchemy import delete, select

from console.accounts.models import User
from console.accounts.projects import console_url
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import SealBrokenError, seal, unseal
from console.core.db import db
from console.core.tenancy import bearer
from console.core.urls import split_url
from console.dashboards import links
from console.dashboards.links_models import EmbedKey, ShareLink
from console.web.csp import policy
from console.web.incoming import clean

MOST_ORIGINS = 20
LONGEST_TOKEN, MOST_VALUES, LONGEST_VALUE = 4_000, 12, 200
LONGEST = timedelta(hours=24)
LEEWAY = timedelta(minutes=1)
"""How far the clocks of two machines may differ."""
_ORIGIN = re.compile(
    r"https?://(?:(?:\*\.(?=[^:]+\.[^:]))?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
    r"|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?",
    re.ASCII,
)
NO_JWT = "This is no JSON Web Token: three parts in base64url, with full stops between them."
_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed token shows: a link, with values of variables that nobody changes."""

    link: ShareLink
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    """A token whose signature is not checked yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def _own_origin() -> str:
    url = split_url(console_url())
    return f"{url.scheme}://{url.netloc}"


def is_origin(text: str) -> bool:
    """Whether it is scheme, host and perhaps port of a site, as browsers spell it.

    `https://*.example.com` stands for the sites below it, but not for all of a top level.
    """
    return len(text) <= 200 and _ORIGIN.fullmatch(text) is not None


def let_embed(response: Response, link: ShareLink) -> None:
    """Let the sites of the link show this answer in a frame; without any, none may."""
    ancestors = " ".join(link.origins) or "'none'"
    # In a frame that its site sandboxes, 'self' is nobody for some browsers.
    response.headers["Content-Security-Policy"] = policy(ancestors, f"'self' {_own_origin()}")
    if link.origins:
        # A site that isolates itself shows only frames that say so.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.vary.add("Origin")
        if request.headers.get("Origin") == "null":
            # The frame of a sandbox asks for itself again, without cookies.
            response.headers["Access-Control-Allow-Origin"] = "null"


def new_key(link: ShareLink, *, by: User | None = None, script: str = "") -> tuple[str, str]:
    """Give a link another key, in place of the former; return its name and its secret, once."""
    db.session.execute(delete(EmbedKey).where(EmbedKey.link_id == link.id))
    name, secret = token_hex(16), token_urlsafe(32)
    sealed = seal(config().secret_key, secret.encode())
    db.session.add(EmbedKey(link_id=link.id, name=name, sealed=sealed))
    db.session.flush()
    actor = by.email if by else script
    audit.record("link.signing key made", link.name, actor=actor)
    return name, secret


def key_of(link: ShareLink) -> EmbedKey | None:
    return db.session.scalar(select(EmbedKey).where(EmbedKey.link_id == link.id))


def signed(token: str) -> Signed | None:
    """What a token shows, if it is whole, in time, for this console, and its link is active."""
    given = _parsed(token)
    key = None if isinstance(given, str) else _key(given.header.get("kid"))
    link = links.by_id(key.organization_id, key.link_id) if key else None
    if isinstance(given, str) or key is None or link is None:
        return None
    values = _values(given.claims.get("vars", {}))
    return None if _fault(given, values, key, link) else Signed(link, values or {})


def fault(token: str, link: ShareLink) -> str:
    """Why a token of a link opens nothing, in a sentence for whoever makes tokens; "" if it does.

    Outsiders never see it: they would learn what to guess.
    """
    given, key = _parsed(token), key_of(link)
    if isinstance(given, str):
        return given
    if key is None or given.header.get("kid") != key.name:
        return "Its header must name the present key of this link as “kid”."
    if (state := links.state_of(link, links.dashboard_of(link))) != "active":
        return f"The link is {state}."
    return _fault(given, _values(given.claims.get("vars", {})), key, link)


def _parsed(token: str) -> _Token | str:
    """The parts of a token that says how it is signed; else what is wrong about it."""
    if len(token) > LONGEST_TOKEN:
        return f"The token is longer than {LONGEST_TOKEN:,} characters."
    if token.count(".") != 2:
        return NO_JWT
    head, body, signature = token.split(".")
    header, claims, given = _json(head), _json(body), _bytes(signature)
    if header is None or claims is None or not given:
        return NO_JWT
    if header.get("alg") != "HS256" or "crit" in header:
        return "Its header must say “alg”: “HS256”, and have no “crit”."
    return _Token(header, claims, f"{head}.{body}".encode(), given)


def _fault(given: _Token, values: Mapping[str, str] | None, key: EmbedKey, link: ShareLink) -> str:
    secret = _secret(key)
    own = new(secret, given.signed, sha256).digest()
    if not secret or not compare_digest(own, given.signature):
        return "Its signature is not made with the secret of this key: take the secret as text."
    if values is None:
        return (
            f"Its “vars” must be an object of at most {MOST_VALUES} texts or whole numbers,"
            f" of at most {LONGEST_VALUE} characters each."
        )
    return _fault_of_claims(given.claims) or _fault_of_names(values, link)


def _fault_of_claims(claims: Mapping[str, Any]) -> str:
    """What is wrong about the console that it is meant for, or its time (RFC 7519, 4.1)."""
    given, now = claims.get("aud"), clock.now().timestamp()
    if console_url() not in (given if isinstance(given, list) else [given]):
        return f"Its “aud” must be {console_url()}, as text or as one of a list."
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not _is_moment(expires) or not _is_moment(begins):
        return "Its “exp”, and “nbf” if there is one, must be numbers: seconds since 1970."
    leeway = LEEWAY.total_seconds()
    if expires <= now - leeway:
        return "It is over: its “exp” is past."
    if expires > now + LONGEST.total_seconds() + leeway:
        return "Its “exp” is more than 24 hours from now; it counts seconds, not milliseconds."
    return "It has not begun: its “nbf” is to come." if begins > now + leeway else ""


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - not a number


def _values(given: object) -> dict[str, str] | None:
    """Texts by name; None for anything else.

    PHP writes an empty array for no values; ids of customers are often numbers.
    """
    if given == []:
        return {}
    if not isinstance(given, dict) or len(given) > MOST_VALUES:
        return None
    if any(isinstance(own, bool) or not isinstance(own, str | int) for own in given.values()):
        return None
    values = {name: str(own) for name, own in given.items()}
    are_fine = all(len(own) <= LONGEST_VALUE and clean(own) == own for own in values.values())
    return values if are_fine else None


def _fault_of_names(values: Mapping[str, str], link: ShareLink) -> str:
    """A slip of a name or a value opens nothing: a visitor would see the figures of everybody."""
    document = links.dashboard_of(link).document
    known = {own["name"] for own in document.get("variables", ())}
    if strange := sorted(set(values) - known):
        return f"Its “vars” have {strange[0][:60]}, which is no variable here."
    empty = next((name for name, own in values.items() if not own.strip()), "")
    return f"Its “vars” have no value for {empty}, which would show everything." if empty else ""


def _key(name: object) -> EmbedKey | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    with bearer(EmbedKey, name):
        key: EmbedKey | None = db.session.scalar(select(EmbedKey))
    return key


def _secret(key: EmbedKey) -> bytes:
    """Empty if it was sealed under a key that is lost: a new one is made by hand."""
    try:
        return unseal((config().secret_key, *config().secret_key_fallbacks), key.sealed)
    except SealBrokenError:
        return b""


def _json(part: str) -> dict[str, Any] | None:
    text = _bytes(part)
    try:
        read = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _bytes(part: str) -> bytes | None:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (NotBase64Error, ValueError):
        return None
