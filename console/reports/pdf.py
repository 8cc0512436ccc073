"""HTML as PDF, by WeasyPrint in a process of its own: it ends in time, and fetches nothing."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from base64 import b64decode
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

SECONDS = 30.0
LONGEST_LIFE = 60
"""Seconds after which the process ends itself, where the console that began it is gone."""
MOST_MEMORY = 1 << 30
"""Bytes of addresses; WeasyPrint takes 0.2 GB for a usual report."""
PICTURE = "data:image/png;base64,"
FONTS = {"font:regular": "SourceSansPro-Regular.otf", "font:semibold": "SourceSansPro-Semibold.otf"}
"""Addresses that a page may name, and the files of the font that comes with the console."""
GIVEN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What the process is given of the environment, which has secrets that it does not need."""
FONTCONFIG = ("FONTCONFIG_", "XDG_")
NO_MEMORY = f"The PDF was not made: it needs more than {MOST_MEMORY >> 30} GB of memory."


class NoPdf(Exception):
    """No PDF was made; the text is a sentence that says why."""


@cache
def obstacle() -> str:
    """Why this console makes no PDF, as a sentence; "" if it can."""
    if find_spec("weasyprint") is None:
        return "PDF needs the optional extra: pip install pharos[pdf]."
    try:
        tried = _run("-c", "import weasyprint")
    except NoPdf:  # a busy machine: whoever makes a PDF finds out
        return ""
    return "PDF needs Pango, which this machine does not have." if tried.returncode else ""


def render_pdf(html: str) -> bytes:
    """The PDF of a page; raises NoPdf where that takes too long, or cannot be done."""
    if why := obstacle():
        raise NoPdf(why)
    made = _run("-m", "console.reports.pdf", page=html.encode(errors="replace"))
    if made.returncode or not made.stdout.startswith(b"%PDF"):
        last = made.stderr.decode(errors="replace").strip().splitlines()[-1:]
        words = "".join(last)[:200] or _end_of(made.returncode)
        raise NoPdf(NO_MEMORY if "MemoryError" in words else f"The PDF was not made: {words}")
    return made.stdout


def _run(*arguments: str, page: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run our own interpreter; raises NoPdf where it does not begin, or end in time."""
    given = {
        name: value
        for name, value in os.environ.items()
        if name in GIVEN or name.startswith(FONTCONFIG)
    }
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter, and words of our own
            [sys.executable, *arguments],
            input=page,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env=given,
        )
    except subprocess.TimeoutExpired:
        raise NoPdf(f"The PDF was not made within {SECONDS:g} seconds.") from None
    except OSError as error:
        raise NoPdf(f"The PDF was not made: {error.strerror or type(error).__name__}.") from error


def _end_of(code: int) -> str:
    """How a process ended that wrote nothing."""
    if code >= 0:
        return f"its process ended with {code} and wrote no PDF."
    return f"its process was ended by {signal.Signals(-code).name}."


def _limit() -> None:
    """End in time and within memory, whatever becomes of the console that began this."""
    signal.alarm(LONGEST_LIFE)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    own = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
    resource.setrlimit(resource.RLIMIT_AS, (own, most))


def main() -> None:
    """Read a page from the standard input, and write its PDF to the standard output."""
    _limit()
    # It takes most of a second to import, and may be missing.
    urls = import_module("weasyprint.urls")
    fetcher: Any = urls.URLFetcher

    class Closed(fetcher):  # type: ignore[misc]
        """Gives a page its fonts and the pictures that it holds, and nothing else."""

        def fetch(self, url: str, headers: object = None) -> Any:
            del headers
            if url.startswith(PICTURE):
                png = b64decode(url.removeprefix(PICTURE))
                return urls.URLFetcherResponse(url, png, {"Content-Type": "image/png"})
            if url not in FONTS:
                raise ValueError(f"{url[:100]} is outside")
            font = files("font_source_sans_pro").joinpath("files", FONTS[url])
            return urls.URLFetcherResponse(url, font.read_bytes(), {"Content-Type": "font/otf"})

    page = import_module("weasyprint").HTML(
        string=sys.stdin.read(), base_url="page:", url_fetcher=Closed()
    )
    sys.stdout.buffer.write(page.write_pdf(presentational_hints=True))


if __name__ == "__main__":
    main()
