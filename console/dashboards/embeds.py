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
from typing import Any

from flask import Response
from sqlalchemy import delete, select

from console.accounts.models import User
from console.accounts.projects import console_url
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import SealBrokenError, seal, unseal
from console.core.db import db
from console.core.tenancy import bearer
from console.dashboards import links
from console.dashboards.links_models import EmbedKey, ShareLink
from console.web.csp import policy

MOST_ORIGINS = 20
LONGEST_TOKEN, MOST_VALUES, LONGEST_VALUE = 4_000, 12, 200
LONGEST = timedelta(hours=24)
LEEWAY = timedelta(minutes=1)
"""How far the clocks of two machines may differ."""
_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
    r"|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?",
    re.ASCII,
)
_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed token shows: a link, with values of variables that nobody changes."""

    link: ShareLink
    values: Mapping[str, str]


def is_origin(text: str) -> bool:
    """Whether it is scheme, host and perhaps port of a site, as browsers spell it."""
    return len(text) <= 200 and _ORIGIN.fullmatch(text) is not None


def let_embed(response: Response, link: ShareLink) -> None:
    """Let the sites of the link show this answer in a frame; without any, none may."""
    ancestors = " ".join(link.origins) or "'none'"
    response.headers["Content-Security-Policy"] = policy(ancestors)
    if link.origins:
        # A site that isolates itself shows only frames that say so.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"


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
    if len(token) > LONGEST_TOKEN or token.count(".") != 2:
        return None
    head, body, signature = token.split(".")
    header, claims, given = _json(head), _json(body), _bytes(signature)
    if header is None or claims is None or given is None or header.get("alg") != "HS256":
        return None
    key = _key(header.get("kid"))
    if key is None:
        return None
    link = links.by_id(key.organization_id, key.link_id)
    secret = _secret(key)
    if link is None or not secret:
        return None
    own = new(secret, f"{head}.{body}".encode(), sha256).digest()
    if not compare_digest(own, given) or not _is_in_time(claims):
        return None
    values = claims.get("vars", {})
    return Signed(link, values) if _are_values(values, link) else None


def _is_in_time(claims: Mapping[str, Any]) -> bool:
    """Whether it is meant for this console, and ends within a day."""
    expires, now = claims.get("exp"), clock.now().timestamp()
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return False
    is_ours = claims.get("aud") == console_url()
    longest = now + (LONGEST + LEEWAY).total_seconds()
    return is_ours and now - LEEWAY.total_seconds() < expires <= longest


def _are_values(values: object, link: ShareLink) -> bool:
    """Whether they are texts for variables that the dashboard has: a slip of a name opens nothing.

    Otherwise a visitor of one customer would see the figures of all.
    """
    if not isinstance(values, dict) or len(values) > MOST_VALUES:
        return False
    document = links.dashboard_of(link).document
    known = {own["name"] for own in document.get("variables", ())}
    return set(values) <= known and all(
        isinstance(own, str) and len(own) <= LONGEST_VALUE and "\0" not in own
        for own in values.values()
    )


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
