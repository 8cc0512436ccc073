"""The security headers of every answer, and the second layer against forged requests."""

from flask import Flask, Response, abort, current_app, request

from console.core.config import config
from console.web.assets import cdn_sources
from console.web.below import root_path

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TWO_YEARS = 63_072_000
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"


def init_app(app: Flask) -> None:
    """Refuse cross-site mutations and add the headers to every answer."""
    app.before_request(_refuse_cross_site)
    app.after_request(_add_headers)


def policy(ancestors: str = "'none'", own: str = "'self'") -> str:
    """The content security policy: only the console's own files, and nothing inline.

    `ancestors` are the origins that may show the answer in a frame, `own` the console's.
    """
    scripts = " ".join([own, *cdn_sources()])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {own}",
            f"img-src {own} data:",
            f"connect-src {own}",
            f"font-src {own}",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        )
    )


def by_https() -> bool:
    """Whether people use https, as PHAROS_URL or a trusted proxy of this request says."""
    return config().base_url.startswith("https://") or request.is_secure


def bound_name(name: str) -> str:
    """The name of a cookie that browsers take by https alone.

    They bind one to this very host as well, unless it is for a part of the host's paths.
    """
    if not by_https():
        return name
    return f"__Secure-{name}" if root_path() else f"__Host-{name}"


def _refuse_cross_site() -> None:
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        current_app.logger.warning("refused a %s from another site", request.method)
        abort(403, "This request came from another site, so it was refused.")


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
    # A frame that a site sandboxes has no origin of its own: it loads styles as a stranger.
    is_asset = request.endpoint in {"asset", "static"}
    headers.setdefault(
        "Cross-Origin-Resource-Policy", "cross-origin" if is_asset else "same-origin"
    )
    if not is_asset:
        headers.setdefault("Cache-Control", "private, no-cache")
    if by_https():
        subdomains = "; includeSubDomains" if config().hsts_subdomains else ""
        headers.setdefault("Strict-Transport-Security", f"max-age={TWO_YEARS}{subdomains}")
    return response
