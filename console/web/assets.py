"""Style sheets and scripts: our own under hashed URLs, third-party ones installed or from a CDN."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from flask import Flask, Response, abort, request
from markupsafe import Markup

from console.core.config import ConfigError, config
from console.web.below import root_path

STATIC = Path(__file__).parent.parent / "static"
CDN = "https://cdn.jsdelivr.net/npm/"
PREFIX = "/static"
YEAR = 31_536_000
# Order matters: tokens before the rules that use them, single behaviours after what they build on.
BUNDLES: dict[str, tuple[str, ...]] = {
    "pharos.css": (
        "css/font.css",
        "css/tokens.css",
        "css/base.css",
        "css/layout.css",
        "css/controls.css",
        "css/completions.css",
        "css/cards.css",
        "css/badges.css",
        "css/tables.css",
        "css/code.css",
        "css/charts.css",
        "css/categories.css",
        "css/vitals.css",
        "css/errors.css",
        "css/waterfall.css",
        "css/editor.css",
        "css/policies.css",
        "css/dashboards.css",
        "css/dashboard-edit.css",
    ),
    "pharos.js": (
        "js/csrf.js",
        "js/zone.js",
        "js/part.js",
        "js/form.js",
        "js/menu.js",
        "js/copy.js",
        "js/stack.js",
        "js/crumbs.js",
        "js/drag.js",
        "js/passkeys.js",
        "js/print.js",
        "js/complete.js",
        "js/select.js",
        "js/refresh.js",
        "js/retry.js",
        "js/unaided.js",
        "js/keyboard.js",
        "js/shortcut.js",
        "js/chart-pointer.js",
        "js/chart.js",
        "js/waterfall-rows.js",
        "js/waterfall-keys.js",
        "js/waterfall-map.js",
        "js/waterfall-panel.js",
        "js/editor-figures.js",
        "js/editor-levels.js",
        "js/editor-pending.js",
        "js/editor-sliders.js",
        "js/editor-strip.js",
        "js/dashboard-grid.js",
        "js/dashboard-edit.js",
        "js/dashboard-wall.js",
    ),
}


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned npm file: its path inside node_modules and the hash that npm's copy has."""

    path: str
    version: str
    integrity: str

    @property
    def cdn_url(self) -> str:
        name, _, rest = self.path.partition("/")
        return f"{CDN}{name}@{self.version}/{rest}"


# The same hashes serve as SRI in CDN mode, and a test compares them with what npm installed.
PACKAGES = {
    "htmx": Package(
        "htmx.org/dist/htmx.min.js",
        "4.0.1",
        "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
    ),
    "chart.js": Package(
        "chart.js/dist/chart.umd.min.js",
        "4.6.1",
        "sha384-Emf5ZVIUiarAdhkgtqK+5/Z5qIvM6QoVrS+qAVtfyZVuD5lIHrac0me485+Antp0",
    ),
    "interact": Package(
        "interactjs/dist/interact.min.js",
        "1.10.28",
        "sha384-M8D+RMAiR0totYNPoldHamQ91OX9eGv5aR15538+pfeV/zsOqt4HYh2nyC8RPZUR",
    ),
}


FONT = "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
"""The Latin letters of Inter in all weights (OFL); not committed, as all of npm's files."""
FONT_FACE = "css/font.css"
_KINDS = {".woff2": "font/woff2"}  # which Python knows from 3.14 on


def init_app(app: Flask) -> None:
    """Serve our files under hashed URLs and give templates `asset_url` and `script`.

    Raises ConfigError when the packages are to be local and npm has not installed them.
    """
    with app.app_context():
        absent = [name for name in PACKAGES if config().assets == "local" and not installed(name)]
    if absent:
        raise ConfigError(f"PHAROS_ASSETS is local, but {absent[0]} is not here: run `make assets`")
    app.add_url_rule(f"{PREFIX}/<string(length=12):hash_>/<path:name>", "asset", _asset)
    app.jinja_env.globals.update(
        asset_url=asset_url,
        script=script,
        package_url=package_url,
        package_integrity=package_integrity,
        font_url=font_url,
    )


def asset_url(name: str) -> str:
    """The URL of one of our files or bundles; it changes with the content."""
    # Not by url_for: an error page may have to do without a request's address.
    return f"{root_path()}{PREFIX}/{_file(name, _stamp(name)).hash}/{name}"


def script(name: str) -> Markup:
    """A deferred script element for a package or one of our files.

    Deferred, so that a CDN that never answers holds up nothing but itself: our own scripts come
    before the packages in the page, and `async` frees those from the order.
    """
    package = PACKAGES.get(name)
    if package is None:
        return Markup('<script src="{}" defer></script>').format(asset_url(name))
    if is_local(package):
        return Markup('<script src="{}" defer></script>').format(package_url(name))
    return Markup('<script src="{}" integrity="{}" crossorigin="anonymous" async></script>').format(
        package.cdn_url, package.integrity
    )


def package_url(name: str) -> str:
    """The address of a package's file: on this server if npm installed it, else on the CDN."""
    package = PACKAGES[name]
    path = f"node_modules/{package.path}"
    return asset_url(path) if is_local(package) else package.cdn_url


def package_integrity(name: str) -> str:
    """The hash that a script element of the package must have; empty for the local copy."""
    package = PACKAGES[name]
    return "" if is_local(package) else package.integrity


def is_local(package: Package) -> bool:
    """Whether the file is served from here, as `PHAROS_ASSETS` says."""
    if config().assets == "auto":
        return _file_of(package).is_file()
    return config().assets == "local"


def installed(name: str) -> bool:
    """Whether npm has put the package's file here."""
    return _file_of(PACKAGES[name]).is_file()


def font_url() -> str:
    """The address of the font; "" where npm has not installed it."""
    return asset_url(FONT) if (STATIC / FONT).is_file() else ""


def cdn_sources() -> Sequence[str]:
    """The script URLs that the content security policy must allow; empty when all are local."""
    return [package.cdn_url for package in PACKAGES.values() if not is_local(package)]


def _file_of(package: Package) -> Path:
    return STATIC / "node_modules" / package.path


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    hash: str
    kind: str


def _asset(hash_: str, name: str) -> Response:
    if name not in _served():
        abort(404)
    file = _file(name, _stamp(name))
    response = Response(file.body, mimetype=file.kind)
    # A frame that a site sandboxes has no origin of its own, and fonts are loaded by CORS.
    response.access_control_allow_origin = "*"
    response.set_etag(file.hash, weak=True)  # the same whatever the encoding
    if hash_ == file.hash:
        response.cache_control.public = True
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    else:  # a page from before the last release: the new file, but not kept under the old name
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


@lru_cache(maxsize=128)
def _file(name: str, stamp: int) -> _File:
    """The file's content; `stamp` makes an edited file a new entry."""
    del stamp
    body = b"\n".join(_bytes(part) for part in _parts(name))
    kind = guess_type(name)[0] or _KINDS.get(Path(name).suffix, "application/octet-stream")
    return _File(body, hashlib.sha256(body).hexdigest()[:12], kind)


def _bytes(part: str) -> bytes:
    body = (STATIC / part).read_bytes()
    if part != FONT_FACE:
        return body
    # Beside the style sheet's own address, so that it holds below any path.
    font = f"../{_file(FONT, _stamp(FONT)).hash}/{FONT}"
    return body.replace(b"%font%", font.encode())


def _parts(name: str) -> tuple[str, ...]:
    parts = BUNDLES.get(name, (name,))
    return tuple(part for part in parts if part != FONT_FACE or (STATIC / FONT).is_file())


def _stamp(name: str) -> int:
    return max(os.stat(f"{STATIC}/{part}").st_mtime_ns for part in _parts(name))  # noqa: PTH116 - asked some 30 times a page


@lru_cache(maxsize=1)
def _served() -> frozenset[str]:
    """Every name that an address may have: no other reaches the file system."""
    ours = {
        path.relative_to(STATIC).as_posix()
        for folder in STATIC.iterdir()
        if folder.name != "node_modules"
        for path in (folder, *folder.rglob("*"))
        if path.is_file()
    }
    packages = {FONT, *(f"node_modules/{package.path}" for package in PACKAGES.values())}
    return frozenset(ours | set(BUNDLES) | {name for name in packages if (STATIC / name).is_file()})
