"""Checks of settings: each returns what is wrong with a text, or ""."""

import re
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from email.utils import parseaddr

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from console.core.urls import split_url

Check = Callable[[str], str]
SHORTEST_SECRET = 32
OURS = "PHAROS_"
# Variables that the tests set, that Kubernetes sets in every container beside a service pharos, and
# the secrets of channels, which are named by whoever sets one up.
OWN_PATH = re.compile(r"(?:/[\w.~-]+)*/?", re.ASCII)
FOREIGN = re.compile(
    r"PHAROS_(TEST_\w+|SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_\w+|CHANNEL_\w+)", re.ASCII
)
OPTIONS = {"PHAROS_HOST": "--host", "PHAROS_PORT": "--port"}
SQLALCHEMY = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
ENCODE = "write @ : / ? # % in a user's name or password as %40 %3A %2F %3F %23 %25"


def address(url: str) -> str:
    """An address that links can begin with: http or https, a host, perhaps a port and a path."""
    wrong = "must be http:// or https:// and a host, port, path: such as https://pharos.example.com"
    try:
        parts = split_url(url)
        reachable = parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # a port that is none
        return wrong
    plain = not parts.query and not parts.fragment and not any(c.isspace() for c in url)
    ours = parts.scheme in {"http", "https"} and parts.username is None
    return "" if ours and reachable and plain else wrong


def own_address(url: str) -> str:
    """The console's own address, below whose path all its pages stand."""
    wrong = address(url)
    path = split_url(url).path if not wrong else ""
    if wrong or OWN_PATH.fullmatch(path):
        return wrong
    return "must have a path of letters, digits and -._~ alone: such as https://example.com/pharos"


def address_or(word: str) -> Check:
    return lambda text: "" if text == word else address(text)


def one_of(*values: str) -> Check:
    return lambda text: (
        "" if text in values else f"must be {', '.join(values[:-1])} or {values[-1]}"
    )


def count_or(word: str, *, most: int) -> Check:
    return lambda text: (
        ""
        if text == word or (text.isdecimal() and int(text) <= most)
        else f"must be {word}, or a whole number from 0 to {most}"
    )


def secret(text: str) -> str:
    """A key that nobody guesses."""
    return "" if len(text) >= SHORTEST_SECRET else f"is shorter than {SHORTEST_SECRET} characters"


def dsn(text: str) -> str:
    """A DSN as Sentry's clients take it."""
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415 - a command without a DSN skips 0.2 s

    try:
        Dsn(text)
    except (BadDsn, ValueError):
        return "is no DSN: https://key@host/number"
    return ""


def mail_server(url: str) -> str:
    """The address of a mail server."""
    wrong = "must look like smtp://user:password@host:port, or smtps:// for TLS from the start"
    try:
        parts = split_url(url)
        usable = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0
    except ValueError:
        return f"{wrong}; {ENCODE}"
    return "" if usable and not any(c.isspace() for c in url) else wrong


def sender(text: str) -> str:
    """One e-mail address, with or without a name before it."""
    _, mail = parseaddr(text)
    right = re.fullmatch(r"[^@\s,]+@[^@\s,]+", mail) and text.isprintable()
    return "" if right else "must be an e-mail address, or a name with <name@example.com>"


def domain(text: str) -> str:
    """The part of e-mail addresses behind the @."""
    right = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", text.lower())
    return "" if right else "must be domains such as example.com, without an @"


def database(url: str) -> str:
    """The address of a database that Pharos runs on; never quoted, because of its password."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return "" if rest.startswith("/") else "must have three slashes: sqlite:///path"
    if scheme not in {*SQLALCHEMY, *SQLALCHEMY.values()}:
        return "must be sqlite:///path or postgresql://user:password@host:port/database"
    try:
        parts = make_url(with_psycopg(url))
    except (ArgumentError, ValueError):
        return f"is not an address of a database; {ENCODE}"
    if "@" in (parts.host or ""):
        return f"has an @ too many; {ENCODE}"
    return "" if parts.database else "names no database: postgresql://user:password@host/database"


def with_psycopg(url: str) -> str:
    """The address for SQLAlchemy, with psycopg 3 as PostgreSQL's driver."""
    scheme, separator, rest = url.partition("://")
    return SQLALCHEMY.get(scheme, scheme) + separator + rest


def unknown(environ: Iterable[str], known: Collection[str]) -> list[str]:
    """What is wrong with variables that look like settings of Pharos but are not."""
    strangers = sorted(
        name
        for name in environ
        if name.startswith(OURS) and name not in known and not FOREIGN.fullmatch(name)
    )
    return [f"{name} is no setting{_hint(name, known)}" for name in strangers]


def _hint(name: str, known: Collection[str]) -> str:
    if name in OPTIONS:
        return f": give `pharos serve` the option {OPTIONS[name]}"
    matches = get_close_matches(name, known, n=1, cutoff=0.7)
    return f": did you mean {matches[0]}?" if matches else ""
