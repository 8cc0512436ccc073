"""Calls to one address that are rightly repeated, as their values, order and times show together.

They read a list by pages, write a thing in parts, ask for many at once, wait, or follow a person.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from urllib.parse import unquote

from console.performance.findings import vocabulary as named
from console.performance.findings.addresses import pairs_of, path_of, words
from console.performance.findings.segment import Segment, ended
from console.telemetry.spans import SpanRow

_STEP = 20
_NUMBERED_PAGE = re.compile(r"/(pages?|seite)[/-]?(\d{1,9})/?$", re.IGNORECASE)
_HIDDEN = re.compile(r"Filtered")  # by scrubbing, as tokens of pages are
_END = re.compile(r"(?<!\d)\d{1,18}\Z")
# A place in a list or a time: numbers, moments, or a long token; codes and coordinates are none.
_PLACE = re.compile(r"-?\d[\d:TZ.+ -]*|now\b.*|[\w+/=.-]{16,}|\[Filtered\]", re.IGNORECASE)
# Between things of a list; a space follows the comma of a text.
_SEPARATOR = re.compile(r"[,|](?![\s+])")
_SEPARATORS, _ITEM = re.compile(r"[,;|]"), re.compile(r"[\w.-]+")
_LIST_SEPARATOR = re.compile(r"[,|; +]")
_COORDINATE = re.compile(r"-?\d+\.\d+")
_LIST_NAME = re.compile(r"(?:ids|keys)$|\[\]$", re.IGNORECASE)
_NAMES_ONE = re.compile(r"id|key|code|symbol", re.IGNORECASE)
# What waits between two questions: a program that works is less regular.
_PAUSE, _EVENLY = timedelta(milliseconds=100), 1.25

Values = Mapping[str, Sequence[str]]


def is_needed(segment: Segment, spans: Sequence[SpanRow]) -> bool:
    """Whether these calls to one address, by start, are needed each."""
    different = _different(spans)
    paths = [path_of(span) for span in spans]
    is_read = spans[0].http_method in {"GET", "HEAD", ""}
    return (
        _is_paging(spans, paths, different)
        or _asks_for_many(spans, paths, different)
        or (not is_read and _is_in_parts(spans, paths))
        or (is_read and _is_awaited(segment, spans, paths, different))
        or _is_typed(paths, different)
        or _is_spread(paths, different)
        or _is_chosen_by_model(segment, spans)
    )


def _is_paging(spans: Sequence[SpanRow], paths: Sequence[str], different: Values) -> bool:
    """Whether requests differ in the page that they ask for, and in nothing else."""
    if _numbers_pages(paths) or _counts_on(paths):
        return True
    if len(set(paths)) > 1 or not different:
        return False
    if all(map(_is_page, different, different.values())):
        return True
    return len(different) == 1 and _counts_by_size(spans[0], *different.values())


def _numbers_pages(paths: Sequence[str]) -> bool:
    """Whether paths end in the number of a page; pages of a site are things that have an id."""
    ends = [_NUMBERED_PAGE.search(path) for path in paths]
    numbers = [int(end[2]) for end in ends if end]
    is_of_site = any(end and end[1].lower() == "pages" for end in ends)
    return len(numbers) == len(paths) and (not is_of_site or min(numbers) <= 2)


def _counts_on(paths: Sequence[str]) -> bool:
    """Whether the ends of paths count on in steps of twenty or more, as places in a list do."""
    ends = [_END.search(path) for path in paths]
    numbers = [int(end[0]) for end in ends if end]
    is_same = len({end.string[: end.start()] for end in ends if end}) == 1
    return len(numbers) == len(paths) > 2 and is_same and _step(numbers) >= _STEP


def _step(numbers: Sequence[int]) -> int:
    """The step by which numbers grow; 0 where they do not grow by the same each time."""
    steps = {after - before for before, after in pairwise(numbers)}
    return max(steps.pop(), 0) if len(steps) == 1 else 0


def _is_page(name: str, values: Sequence[str]) -> bool:
    """Whether a parameter is a place in a list, or an end of a window."""
    of_name = {word.removesuffix("token") or word for word in words(name)}
    if not named.PAGE.isdisjoint(of_name) or {"page", "token"} <= of_name:
        return True
    if not named.COUNTED.isdisjoint(of_name):
        return all(map(_HIDDEN.search, values)) or _counts_up(values)
    return not named.WINDOW.isdisjoint(of_name) and all(map(_PLACE.fullmatch, values))


def _counts_up(values: Iterable[str]) -> bool:
    """Whether values count 1, 2, 3, in any order, as pages and parts do and ids do not."""
    numbers = sorted({int(value) for value in values if re.fullmatch(r"\d{1,9}", value)})
    return len(numbers) > 1 and numbers[0] <= 2 and numbers[-1] - numbers[0] < len(numbers)


def _counts_by_size(span: SpanRow, values: Sequence[str]) -> bool:
    """Whether values grow by as much as a constant parameter says that a page has."""
    numbers = [int(value) for value in values if re.fullmatch(r"\d{1,18}", value)]
    step = _step(numbers) if len(numbers) == len(values) else 0
    sizes = {
        int(value)
        for name, value in pairs_of(span)
        if re.fullmatch(r"\d{1,9}", value) and not named.SIZE.isdisjoint(words(name))
    }
    return step > 1 and any(size > 1 and step % size == 0 for size in sizes)


def _asks_for_many(spans: Sequence[SpanRow], paths: Sequence[str], different: Values) -> bool:
    """Whether requests name several things each, in their paths or their query strings."""
    ends = {unquote(path.rpartition("/")[2]) for path in paths}
    if len(ends) > 1 and sum(map(_is_path_list, ends)) > len(ends) / 2:
        return True
    if any(sum(map(_is_list, values)) > len(spans) / 2 for values in different.values()):
        return True
    lists = [_lists(span) for span in spans]
    return all(lists) and (len(set(paths)) == 1 or len({frozenset(sent) for sent in lists}) > 1)


def _lists(span: SpanRow) -> list[tuple[str, str]]:
    """The parameters of a query string that name several things."""
    pairs = list(pairs_of(span))
    names = Counter(name for name, _ in pairs)
    return [
        (name, value)
        for name, value in pairs
        if names[name] > 1
        or (_LIST_NAME.search(name) and len(_LIST_SEPARATOR.split(value)) > 1)
        or (_LIST_NAME.search(name) and _HIDDEN.search(value))
        or (_NAMES_ONE.search(name) and _is_list(value))
    ]


def _is_list(value: str) -> bool:
    """Whether a value names several things; a place on a map, or an object of JSON, is one."""
    items = _SEPARATOR.split(value)
    return (
        len(items) > 1 and not value.startswith("{") and not all(map(_COORDINATE.fullmatch, items))
    )


def _is_path_list(end: str) -> bool:
    """Whether the end of a path names several things, and no two places on a map."""
    items = _SEPARATORS.split(end)
    is_named = len(items) > 1 and all(map(_ITEM.fullmatch, items))
    return is_named and not all(map(_COORDINATE.fullmatch, items))


def _is_in_parts(spans: Sequence[SpanRow], paths: Sequence[str]) -> bool:
    """Whether requests write to one address, or to its numbered parts, one thing part by part."""
    if len(set(paths)) == 1:
        names = [paths[0], *(name for name, _ in pairs_of(spans[0]))]
        is_upload = not named.UPLOAD.isdisjoint(word for name in names for word in words(name))
        return is_upload or spans[0].http_method in {"PUT", "PATCH"}
    places = _places(paths)
    if len(places) != 1:
        return False
    place = places[0]
    split = [path.split("/") for path in paths]
    before = {word for part in split[0][:place] for word in words(part)}
    is_upload = not (named.NUMBERED_PIECES | named.UPLOAD).isdisjoint(before)
    return is_upload and _counts_up(parts[place] for parts in split)


def _places(paths: Sequence[str]) -> Sequence[int]:
    """The parts of paths that differ, by their place; () if they have not as many parts."""
    split = [path.split("/") for path in paths]
    if len(set(map(len, split))) > 1:
        return ()
    return [place for place, parts in enumerate(zip(*split, strict=True)) if len(set(parts)) > 1]


def _is_awaited(
    segment: Segment, spans: Sequence[SpanRow], paths: Sequence[str], different: Values
) -> bool:
    """Whether one thing is asked for until it changes: by its name, its answers or its pauses."""
    if len(set(paths)) > 1:
        return False
    query = {name.lower() for name, _ in pairs_of(spans[0])}
    if query & named.OF_WAITING:
        return True
    if not named.AGAINST_CACHES.issuperset(different):
        return False
    if {span.http_status for span in spans[:-1]} <= {202, 204, 304}:
        return True
    last = paths[0].rstrip("/").rpartition("/")[2].lower()
    is_named = last in named.AWAITED or bool(query & named.OF_LIMITS)
    return is_named or _pauses(segment, spans)


def _pauses(segment: Segment, spans: Sequence[SpanRow]) -> bool:
    """Whether a program slept between calls: evenly, or longer each time, and did nothing else."""
    pauses = [after.timestamp - ended(before) for before, after in pairwise(spans)]
    if min(pauses) < _PAUSE:
        return False
    is_even = max(pauses) <= _EVENLY * min(pauses)
    is_growing = all(after >= _EVENLY * before for before, after in pairwise(pauses))
    if not (is_even or is_growing):
        return False
    starts = [span.timestamp for span in segment.spans]
    return not any(
        bisect_left(starts, after.timestamp) > bisect_left(starts, ended(before))
        for before, after in pairwise(spans)
    )


def _is_typed(paths: Sequence[str], different: Values) -> bool:
    """Whether each text goes on from the one before, as somebody types it."""
    if len(set(paths)) > 1 or len(different) != 1:
        return False
    texts = next(iter(different.values()))
    follow = sum(
        after != before and (after.startswith(before) or before.startswith(after))
        for before, after in pairwise(texts)
    )
    return follow > 0.7 * (len(texts) - 1) and not any(map(str.isdecimal, texts))


def _is_spread(paths: Sequence[str], different: Values) -> bool:
    """Whether calls go to each part of a store, or fetch the token of each tenant."""
    if len(set(paths)) == 1:
        return bool(different) and all(map(_is_part_of_store, different, different.values()))
    if all(map(named.TOKEN.search, paths)):
        return True
    places = _places(paths)
    split = [path.split("/") for path in paths]
    return len(places) == 1 and _is_part_of_store(
        split[0][places[0] - 1], [parts[places[0]] for parts in split]
    )


def _is_part_of_store(name: str, values: Iterable[str]) -> bool:
    of_store = name.lower() in named.SHARDS
    return of_store or (name.lower() in named.PLACES and all(map(named.PLACE.fullmatch, values)))


def _is_chosen_by_model(segment: Segment, spans: Sequence[SpanRow]) -> bool:
    """Whether most calls are a tool's that a language model chose, each in a span of its own."""
    tools = {
        parent.span_id
        for parent in (segment.by_id.get(span.parent_span_id) for span in spans)
        if parent and parent.op in named.TOOLS
    }
    return len(tools) > len(spans) / 2


def _different(spans: Sequence[SpanRow]) -> dict[str, list[str]]:
    """The values of each parameter whose value differs, or was hidden, by name."""
    values: dict[str, list[str]] = defaultdict(list)
    for span in spans:
        for name, value in dict(pairs_of(span)).items():
            values[name].append(value)
    return {
        name: sent
        for name, sent in values.items()
        if len(sent) < len(spans) or len(set(sent)) > 1 or _HIDDEN.search(sent[0])
    }
