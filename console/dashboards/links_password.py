"""The password of a link: tries are throttled in the database, and a pass is kept in a cookie."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request

from console.accounts.passwords import verify
from console.accounts.throttle import Attempt, Gate, Limit
from console.core import clock
from console.core.config import config
from console.core.crypto import keyed_hash, same
from console.dashboards.links_models import ShareLink
from console.web.csp import by_https

SHARE = Gate(
    "share",
    pair=Limit(5),
    # As for people: many networks together have a try a minute.
    account=Limit(50, longest=timedelta(minutes=1)),
    browser=Limit(5),
)
COOKIE = "pharos-link"
LASTS = timedelta(hours=12)


def attempt_on(link: ShareLink) -> Attempt:
    """A try at the link's password from where the request comes."""
    return Attempt(SHARE, f"share link {link.hash}", request.remote_addr or "")


def is_right(link: ShareLink, password: str) -> bool:
    """Whether it is the link's password. Raises passwords.TooBusy."""
    return verify(link.password, password)


def is_unlocked(link: ShareLink) -> bool:
    """Whether this browser has given the link's present password lately, or needs none."""
    if not link.password:
        return True
    expires, _, signature = request.cookies.get(COOKIE, "").partition(".")
    if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
        return False
    keys = (config().secret_key, *config().secret_key_fallbacks)
    is_ours = any(same(signature, _signature(key, link, expires)) for key in keys)
    return is_ours and int(expires) > clock.now().timestamp()


def remember(response: Response, link: ShareLink, path: str) -> None:
    """Let this browser open the link for some hours; the cookie is sent to its page only."""
    expires = str(int((clock.now() + LASTS).timestamp()))
    response.set_cookie(
        COOKIE,
        f"{expires}.{_signature(config().secret_key, link, expires)}",
        max_age=int(LASTS.total_seconds()),
        path=path,
        secure=by_https(),
        httponly=True,
        samesite="Lax",
    )


def _signature(key: str, link: ShareLink, expires: str) -> str:
    """Another password makes another signature: it takes back what the former one opened."""
    return keyed_hash(key, "share link", link.hash, link.password, expires)
