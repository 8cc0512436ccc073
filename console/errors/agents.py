"""The browser and the operating system that a User-Agent header names."""

import re
from functools import lru_cache
from typing import NamedTuple

LENGTH = 500
_VERSION = r"/?\s?(\d{1,6})?"


class Agent(NamedTuple):
    """A program and its system with their main versions, "" where the header does not say."""

    browser: str
    system: str


def _compiled(name: str, signs: str) -> tuple[str, re.Pattern[str]]:
    return name, re.compile(signs)


# Nearly all claim to be others as well, so the first of the list that is named counts.
_BROWSERS = tuple(
    _compiled(name, f"(?:{signs}){_VERSION}")
    for name, signs in (
        ("Googlebot", "Googlebot"),
        ("Bingbot", "bingbot"),
        ("Edge", "Edge|EdgA|EdgiOS|Edg"),
        ("Opera", "OPR|OPT|Opera"),
        ("Samsung Internet", "SamsungBrowser"),
        ("Vivaldi", "Vivaldi"),
        ("Yandex", "YaBrowser"),
        ("Firefox", "Firefox|FxiOS"),
        ("Headless Chrome", "HeadlessChrome"),
        ("Electron", "Electron"),
        ("Chrome", "Chrome|CriOS|Chromium"),
        ("Internet Explorer", r"MSIE|Trident/[\d.]{1,8};.{0,100}rv:"),
        ("Safari", r"Version(?=/[\d.]{1,20} (?:Mobile/\w{1,20} )?Safari)"),
    )
)
_SYSTEMS = tuple(
    _compiled(name, signs)
    for name, signs in (
        ("iOS", r"(?:iPhone|iPad|iPod).{0,40}? OS (\d{1,3})"),
        ("Android", r"Android ?(\d{1,3})?"),
        ("ChromeOS", r"CrOS()"),
        ("Windows", r"Windows()"),
        ("macOS", r"Mac(?:intosh| OS X)()"),
        ("Linux", r"Linux|X11()"),
    )
)
_PROGRAM = re.compile(r"([A-Za-z][\w .-]{0,39})/v?(\d{1,6})")


@lru_cache(maxsize=1024)
def _agent(header: str) -> Agent:
    return Agent(_named(header, _BROWSERS) or _program(header), _named(header, _SYSTEMS))


def agent(header: str) -> Agent:
    """What the header says; of programs that are no browsers, their own name and version."""
    return _agent(header[:LENGTH])


def _named(header: str, signs: tuple[tuple[str, re.Pattern[str]], ...]) -> str:
    for name, sign in signs:
        if match := sign.search(header):
            return f"{name} {match[1] or ''}".strip()
    return ""


def _program(header: str) -> str:
    match = _PROGRAM.match(header)
    return f"{match[1]} {match[2]}" if match and match[1] != "Mozilla" else ""
