"""Lists of HTTP statuses as people write them: `200-299, 301`."""

from __future__ import annotations

from collections.abc import Iterator

LOWEST, HIGHEST = 100, 999  # some sites answer beyond 599, which no standard has a meaning for


def ranges(text: str) -> Iterator[tuple[int, int]]:
    """The first and last status of each part; raises ValueError, which says what is wrong."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not _is_status(first) or (dash and not _is_status(last)):
            raise ValueError(f"{part[:20]} is no status, and no range such as 200-299.")
        if dash and int(last) < int(first):
            raise ValueError(f"{part} ends before it begins.")
        yield int(first), int(last or first)


def within(text: str, status: int) -> bool:
    """Whether a list names a status."""
    return any(first <= status <= last for first, last in ranges(text))


def spelled(text: str) -> str:
    """The list in a uniform spelling."""
    parts = (str(first) if first == last else f"{first}-{last}" for first, last in ranges(text))
    return ", ".join(parts)


def _is_status(text: str) -> bool:
    return text.isascii() and text.isdecimal() and LOWEST <= int(text[:4]) <= HIGHEST
