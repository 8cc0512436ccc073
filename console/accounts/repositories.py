"""Where a project's source lines are read: the address of a line in one of its repositories."""

import re
from urllib.parse import quote

from flask import Flask

from console.core.urls import split_url

LONGEST = 2000
PATH, LINE, RELEASE = "{path}", "{line}", "{release}"
_PLACE = re.compile(r"(?P<path>[^:]+):(?P<line>\d{1,7})(?= in |$)")
_LIBRARY = re.compile(r"(^|/)(site-packages|dist-packages|node_modules)/")
# Hosts show a file of the default branch below these; others are written with their own places.
_LAYOUTS = {
    "github": f"/blob/HEAD/{PATH}#L{LINE}",
    "gitlab": f"/-/blob/HEAD/{PATH}#L{LINE}",
    "bitbucket": f"/src/HEAD/{PATH}#lines-{LINE}",
    "gitea": f"/src/branch/main/{PATH}#L{LINE}",
    "codeberg": f"/src/branch/main/{PATH}#L{LINE}",
}


def init_app(app: Flask) -> None:
    """Offer the addresses of places to templates."""
    app.jinja_env.filters["place_url"] = place_url


class UnknownLayoutError(ValueError):
    """An address that does not say where a file stands in it."""


def template(lines: str) -> str:
    """The lines with the places of path and line in their addresses.

    A line is an address, or the beginning of paths and the address that they are read at. Raises
    UnknownLayoutError with a sentence.
    """
    prefixes, kept = set(), []
    for line in filter(None, map(str.strip, lines.splitlines())):
        *before, address = line.split()
        if len(before) > 1:
            raise UnknownLayoutError(f"A line is a path and an address: {line}")
        prefix = before[0] if before else ""
        if prefix in prefixes:
            raise UnknownLayoutError(
                f"Two lines are about {prefix}." if prefix else "Only one line has no path."
            )
        prefixes.add(prefix)
        kept.append(f"{prefix} {_template(address)}".strip())
    return "\n".join(kept)


def source_url(lines: str, path: str, line: int, release: str = "") -> str:
    """Where the line is read, "" for a project without a repository and a path outside of it.

    The longest beginning that fits wins, and is no part of the path in the repository.
    """
    if not path or ".." in path.split("/"):
        return ""
    fitting = [
        (prefix.strip("/"), address)
        for prefix, _, address in (f" {row}".rpartition(" ") for row in lines.splitlines())
        if _begins(path, prefix.strip().strip("/"))
    ]
    if not fitting:
        return ""
    prefix, address = max(fitting, key=lambda pair: len(pair[0]))
    inner = path.removeprefix(prefix.strip()).lstrip("/")
    version = release.rpartition("@")[2].partition("+")[0]
    places = {PATH: quote(inner, safe="/"), LINE: str(line), RELEASE: quote(version, safe="")}
    for place, value in places.items():
        address = address.replace(place, value)
    return address


def place_url(place: str, lines: str, release: str = "") -> str:
    """The same for a place as spans name it: "shop/views.py:42 in books"; "" without a line."""
    match = _PLACE.match(place)
    if not match or _LIBRARY.search(match["path"]):
        return ""
    return source_url(lines, match["path"].lstrip("/"), int(match["line"]), release)


def _begins(path: str, prefix: str) -> bool:
    """Whether a path lies below a folder; every one does below ""."""
    return not prefix or path.startswith(f"{prefix}/")


def _template(address: str) -> str:
    try:
        url = split_url(address)
    except ValueError:
        raise UnknownLayoutError("This is no address.") from None
    if url.scheme not in {"http", "https"} or not url.netloc:
        raise UnknownLayoutError("An address begins with https://.")
    if "{" in url.netloc:
        raise UnknownLayoutError(f"{PATH} and {LINE} stand after the host.")
    if PATH in address:
        return address
    layout = next((layout for name, layout in _LAYOUTS.items() if name in url.netloc.lower()), "")
    if not layout:
        raise UnknownLayoutError(
            f"Say where path and line stand: https://git.example.com/shop/{PATH}#L{LINE}."
        )
    return address.rstrip("/").removesuffix(".git") + layout
