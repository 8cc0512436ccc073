"""The path of a site below which the console is reached, as the path of PHAROS_URL says."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from console.core.config import config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Below:
    """Takes the path off an address, whether the proxy in front takes it off or leaves it there.

    WSGI has it as SCRIPT_NAME (PEP 3333), with which the links of an answer begin.
    """

    def __init__(self, entry: "WSGIApplication", path: str) -> None:
        """`path` is like "/tools/pharos"."""
        self._entry, self._path = entry, path

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if environ.get("SCRIPT_NAME") != self._path:
            environ["SCRIPT_NAME"] = self._path
            shown = environ["PATH_INFO"]
            if shown == self._path or shown.startswith(f"{self._path}/"):
                environ["PATH_INFO"] = shown[len(self._path) :] or "/"
        return self._entry(environ, start_response)


def root_path() -> str:
    """What stands before the console's own paths in an address: "" or like "/tools/pharos"."""
    return config().base_path


def front_path() -> str:
    """The path of the front page."""
    return f"{root_path()}/"
