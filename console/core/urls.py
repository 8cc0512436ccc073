"""Splits URLs that clients send, in time linear to their length."""

import re
from urllib.parse import SplitResult, urlsplit

# Longer than any name of a host with a port, a name and a password.
LONGEST_AUTHORITY = 1000
_TOO_LONG = re.compile(
    rf"[\0- ]*+(?:[a-zA-Z][\w+.-]*+:)?+//[^/?\#]{{{LONGEST_AUTHORITY}}}", re.ASCII
)
_IGNORED = str.maketrans("", "", "\t\r\n")


def split_url(url: str) -> SplitResult:
    """The parts of a URL; raises ValueError for other texts and for impossible hosts.

    The library normalises the host's Unicode, which takes time quadratic in its accents: 4 s for
    64 kB.
    """
    plain = url.translate(_IGNORED)  # as the library does
    if _TOO_LONG.match(plain):
        raise ValueError("a URL whose host is too long")
    return urlsplit(plain)
