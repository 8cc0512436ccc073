"""The names of releases as versions: which of two is later, where their names tell."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# No library knows all of these: `packaging` refuses 1.2.3-SNAPSHOT and takes 1.2.3-4 for a later
# one, `semver` refuses 1.2, 1.2.3.4 and 2024.01.15, and both know no packages.
_NUMBERS = re.compile(r"[vV]?(\d+(?:\.\d+)*)", re.ASCII)
_PLAIN_REST = re.compile(r"[-.~_]?[0-9A-Za-z]+(?:[-.~_]+[0-9A-Za-z]+)*", re.ASCII)
_TOKEN = re.compile(r"\d+|[a-z]+", re.ASCII)
_AFTER_NAME = re.compile(r"[-_/: ](?=[vV]?\d)", re.ASCII)
_DESCRIBED = re.compile(r"-(\d+)-g[0-9a-f]{4,40}(?:-dirty)?", re.ASCII)  # `git describe`
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_DAY = re.compile(r"20\d{6}(?:\d{2}|\d{4}|\d{6})?", re.ASCII)
_BUILD_NUMBER = 6  # digits; more of them may be a commit whose digits are all decimal

# By semver.org, PEP 440 and Maven's order, which agree on the words that they share.
_STAGES = {
    -7: ("dev", "nightly", "canary", "next"),
    -6: ("a", "alpha"),
    -5: ("b", "beta"),
    -4: ("m", "milestone"),
    -3: ("c", "cr", "rc", "pre", "preview"),
    -2: ("snapshot",),
    0: ("final", "ga", "release"),
    1: ("post", "sp", "patch", "hotfix", "rev", "r"),
}
_RANKS = {word: rank for rank, words in _STAGES.items() for word in words}
_BARE_NUMBER, _RELEASED, _COUNTER = -8, (0, 0), 9


@dataclass(frozen=True, slots=True)
class Version:
    """A release's name taken apart."""

    package: str
    numbers: tuple[int, ...]
    """Without zeros at their end: 1.2 and 1.2.0 are one version."""
    stage: tuple[tuple[int, int], ...] | None
    """What follows the numbers, in an order; None for words that have none."""
    build: tuple[int, ...] | None
    """The numbers of a build; None for words, () where none is named."""


@lru_cache(maxsize=20_000)
def version_of(release: str) -> Version | None:
    """The version in a release's name, as in `shop@1.2.3-rc.1+45`; None if it has none.

    A commit's hash has none, nor has an id; a date and the number of a build are versions.
    """
    package, text = _apart(release.strip())
    text, _, build = text.partition("+")
    match = _NUMBERS.match(text)
    if match is None or not text:
        return None
    digits, rest = match[1], text[match.end() :]
    if "." not in digits and not _is_counted(digits, rest, text):
        return None
    is_attached = rest[:1].isalnum()
    stage = _stage(rest)
    if not _is_plain(rest) or (is_attached and stage is None):
        return None
    numbers = [int(number) for number in digits.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return Version(package, tuple(numbers), stage, _build(build))


def package_of(release: str) -> str:
    """The package that a release's name names, or ""."""
    return _apart(release.strip())[0]


def compare(release: str, base: str) -> int | None:
    """1 if a release is later than another of its package, -1 if it is earlier, 0 if it is equal.

    None where the names do not tell.
    """
    mine, theirs = version_of(release), version_of(base)
    if release == base:
        return 0
    if mine is None or theirs is None or mine.package != theirs.package:
        return None
    if mine.numbers != theirs.numbers:
        return _order(mine.numbers, theirs.numbers)
    stages = _order(mine.stage, theirs.stage)
    if stages != 0 or mine.build == theirs.build == ():
        return stages
    return _order(mine.build or None, theirs.build or None)


def _order(mine: tuple[Any, ...] | None, theirs: tuple[Any, ...] | None) -> int | None:
    if mine is None or theirs is None:
        return None
    return (mine > theirs) - (mine < theirs)


def _apart(release: str) -> tuple[str, str]:
    """The package and the rest of a name: `@acme/shop@1.2`, `shop-1.2.3`, `release/v7`."""
    package, at, text = release.rpartition("@")
    if at and package:
        return package, text
    for separator in _AFTER_NAME.finditer(release):
        package, text = release[: separator.start()], release[separator.end() :]
        is_version = "." in text or (text.isdecimal() and len(text) <= _BUILD_NUMBER)
        if is_version and any(letter.isalpha() for letter in package) and package not in "vV":
            return package, text
    return "", release


def _is_counted(digits: str, rest: str, text: str) -> bool:
    """Whether a number without dots counts versions, rather than being a part of an id."""
    if rest[:1].isalnum() or (_COMMIT.fullmatch(text) and not _DAY.fullmatch(text)):
        return False
    return len(digits) <= _BUILD_NUMBER or bool(_DAY.fullmatch(digits))


def _is_plain(rest: str) -> bool:
    return not rest or bool(_PLAIN_REST.fullmatch(rest))


def _stage(rest: str) -> tuple[tuple[int, int], ...] | None:
    if described := _DESCRIBED.fullmatch(rest):
        return ((1, 0), (_COUNTER, int(described[1])), _RELEASED)
    stage: list[tuple[int, int]] = []
    for token in _TOKEN.findall(rest.lower()):
        if token.isdecimal():
            stage.append((_COUNTER if stage else _BARE_NUMBER, int(token)))
        elif token not in _RANKS:
            return None
        elif _RANKS[token]:
            stage.append((_RANKS[token], 0))
    return (*stage, _RELEASED)


def _build(text: str) -> tuple[int, ...] | None:
    if not text:
        return ()
    parts = text.split(".")
    return tuple(map(int, parts)) if all(p.isascii() and p.isdecimal() for p in parts) else None
