"""Where a project's source lines are read: the address of a line in its repository."""

from urllib.parse import quote

from console.core.urls import split_url

LONGEST = 300
PATH, LINE, RELEASE = "{path}", "{line}", "{release}"
# Hosts show a file of the default branch below these; others are written with their own places.
_LAYOUTS = {
    "github": f"/blob/HEAD/{PATH}#L{LINE}",
    "gitlab": f"/-/blob/HEAD/{PATH}#L{LINE}",
    "bitbucket": f"/src/HEAD/{PATH}#lines-{LINE}",
    "gitea": f"/src/branch/main/{PATH}#L{LINE}",
    "codeberg": f"/src/branch/main/{PATH}#L{LINE}",
}


class UnknownLayoutError(ValueError):
    """An address that does not say where a file stands in it."""


def template(address: str) -> str:
    """The address with the places of path and line; raises UnknownLayoutError with a sentence."""
    address = address.strip()
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


def source_url(address: str, path: str, line: int, release: str = "") -> str:
    """Where the line is read, "" for a project without a repository and a path outside of it."""
    if not address or not path or ".." in path.split("/"):
        return ""
    version = release.rpartition("@")[2].partition("+")[0]
    places = {PATH: quote(path, safe="/"), LINE: str(line), RELEASE: quote(version, safe="")}
    for place, value in places.items():
        address = address.replace(place, value)
    return address
