"""HTML as PDF, by WeasyPrint in a process of its own: it ends in time, and fetches nothing."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

SECONDS = 30.0
FONTS = {"font:regular": "SourceSansPro-Regular.otf", "font:semibold": "SourceSansPro-Semibold.otf"}
"""Addresses that a page may name, and the files of the font that comes with the console."""


class NoPdf(Exception):
    """No PDF was made; the text is a sentence that says why."""


@cache
def obstacle() -> str:
    """Why this console makes no PDF, as a sentence; "" if it can."""
    if find_spec("weasyprint") is None:
        return "PDF needs the optional extra: pip install pharos[pdf]."
    code = "import weasyprint"
    tried = subprocess.run(  # noqa: S603 - our own interpreter, and words of our own
        [sys.executable, "-c", code], capture_output=True, timeout=SECONDS, check=False
    )
    if tried.returncode:
        return "PDF needs Pango, which this machine does not have."
    return ""


def render_pdf(html: str) -> bytes:
    """The PDF of a page; raises NoPdf where that takes too long, or cannot be done."""
    if why := obstacle():
        raise NoPdf(why)
    try:
        made = subprocess.run(
            [sys.executable, "-m", "console.reports.pdf"],
            input=html.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoPdf(f"The PDF was not made within {SECONDS:g} seconds.") from None
    if made.returncode or not made.stdout.startswith(b"%PDF"):
        last = made.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NoPdf(f"The PDF was not made: {''.join(last)[:200]}")
    return made.stdout


def main() -> None:
    """Read a page from the standard input, and write its PDF to the standard output."""
    # It takes most of a second to import, and may be missing.
    urls = import_module("weasyprint.urls")
    fetcher: Any = urls.URLFetcher

    class Closed(fetcher):  # type: ignore[misc]
        """Gives a page its fonts, and nothing else."""

        def fetch(self, url: str, headers: object = None) -> Any:
            del headers
            if url not in FONTS:
                raise ValueError(f"{url[:100]} is outside")
            font = files("font_source_sans_pro").joinpath("files", FONTS[url])
            return urls.URLFetcherResponse(url, font.read_bytes(), {"Content-Type": "font/otf"})

    page = import_module("weasyprint").HTML(
        string=sys.stdin.read(), base_url="page:", url_fetcher=Closed()
    )
    sys.stdout.buffer.write(page.write_pdf())


if __name__ == "__main__":
    main()
