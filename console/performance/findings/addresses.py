"""What the address of a call says: a page of a list, several things at once, a file, a report."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from urllib.parse import unquote

from console.telemetry.spans import SpanRow

# Files, which no list of ids can bring; pages that frameworks fetch ahead; what configures.
_FILE = re.compile(
    r"\.(?:m?js|css|svg|png|jpe?g|gif|webp|avif|heic|bmp|ico|mp3|aac|ogg|wav|mp4|m4[asv]|webm|m3u8|mpd|"
    r"ts|vtt|woff2?|ttf|otf|eot|map|wasm|pdf|pbf|mvt|terrain|glb|zip|t?gz|br|rsc|data|whl|jar|deb|rpm|apk|exe|iso|csv|parquet|xlsx?)$"
    r"|/(?:_next|_nuxt|_app|_astro|page-data|@vite|@fs|__[\w-]+)/|__nextjs|__webpack|\.hot-update\."
    r"|/(?:__data|_payload)\.json$|launchdarkly\.com",
    re.IGNORECASE,
)
_FETCHED_AHEAD = frozenset({"_rsc", "_data", "__prefetch", "x-sveltekit-invalidated"})
# Tiles of a map are asked for by their level, column and row.
_TILE = re.compile(r"(?:/-?\d++){3}(?:@\dx)?$")
# A file of a site by its name: of an id it would be an answer of an API.
_NAMED_FILE = re.compile(r"\D+\.(?:json|xml|txt|html)", re.IGNORECASE)
_NUMBERED_FILE = re.compile(r"/[a-z_-]*[a-z][-_.]?\d+\.[a-z][\w.]*$", re.IGNORECASE)
# Pictures that no ending names, as services send them that scale pictures.
_PICTURE = re.compile(
    r"://(?:img|images?|cdn|static|assets|media|res|thumbs?|avatars?)\d*\."
    r"|/(?:images?|img|avatars?|thumbs?|thumbnails?)/(?!.*/)",
    re.IGNORECASE,
)
_OF_PICTURES = frozenset({"w", "h", "width", "height", "dpr", "fit", "crop"})
# What reads or writes all that there is, or waits for what comes.
_OF_AWS = re.compile(
    r"^aws\..*\.(?:List\w+|UploadPart|ReceiveMessage|Scan|GetRecords|Put(?:Records|LogEvents))$",
    re.IGNORECASE,
)
_SEVERAL = frozenset({"batch", "bulk", "many", "multi", "multiple", "mget", "msearch"})
_PIECES = frozenset({"scroll", "append", "chunk", "listen", "channel", "poll"})
_EVENTS = re.compile(r"/(?:events?|rec|hits?)(?:/|$)", re.IGNORECASE)
# What a page or a service reports of itself.
_REPORTS = re.compile(
    r"/(?:[gj]/)?(?:collect|track|beacons?|telemetry|analytics|envelope|metrics|traces|logs?|event|"
    r"heartbeat|ping|write|push|rum|monitoring|tunnel|pixel|vitals|httpapi|tp2|[a-z])/?$",
    re.IGNORECASE,
)
OPERATION = re.compile(r" \((?:query|mutation|subscription)\b[^()]*+\)\s*+$")
_PAGE = frozenset(
    {
        *("page", "p", "part", "partnumber", "offset", "skip", "skiptoken", "seek", "startat"),
        *("cursor", "continuation", "marker", "after", "before", "next"),
    }
)
# The ends of a window; without a digit they are names, as of two currencies.
_WINDOW = frozenset(
    {
        *("from", "to", "since", "until", "start", "end", "begin", "gt", "gte", "lt", "lte"),
        *("min", "max", "range", "seq", "sequence", "older", "newer", "first", "last"),
    }
)
_END, _STEP = re.compile(r"(?<!\d)\d{1,18}\Z"), 20
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMBERED_PAGE = re.compile(r"/pages?/\d+/?$", re.IGNORECASE)
_HIDDEN = re.compile(r"Filtered")  # by scrubbing, as tokens of pages are
# Between things of a list; a space follows the comma of a text.
_SEPARATOR = re.compile(r"[,|](?![\s+])")
_COORDINATE = re.compile(r"-?\d+\.\d+")
_LIST_NAME = re.compile(r"(?:ids|keys)$|\[\]$", re.IGNORECASE)
_NAMES_ONE = re.compile(r"id|key|code|symbol", re.IGNORECASE)


def address(span: SpanRow) -> str:
    """What an HTTP span asked for, with its query string as far as it was sent."""
    attributes = span.attributes
    named = OPERATION.sub("", span.name.removeprefix(f"{span.http_method} "))
    url = str(attributes.get("url.full") or "")
    if not url and "/" not in named and attributes.get("url.path"):
        url = f"{attributes.get('server.address') or ''}{attributes['url.path']}"
    query = str(attributes.get("url.query") or "").removeprefix("?")
    url = url or named
    return url if not query or "?" in url else f"{url}?{query}"


def path_of(span: SpanRow) -> str:
    """The address without its query string and fragment."""
    return re.split(r"[?#]", address(span), maxsplit=1)[0]


def is_by_itself(span: SpanRow, *, of_page: bool) -> bool:
    """Whether a call is rightly made again and again: for a file, a report, or many things."""
    path, query = path_of(span), _query(span)
    if _FILE.search(path) or _OF_AWS.search(path) or not _FETCHED_AHEAD.isdisjoint(query):
        return True
    if _NUMBERED_FILE.search(path) or not _SEVERAL.isdisjoint(_words(_verb(path))):
        return True
    if of_page and (_is_shown(path) or not _OF_PICTURES.isdisjoint(query)):
        return True
    return span.http_method == "POST" and _goes_on(path, of_page=of_page)


def _is_shown(path: str) -> bool:
    """Whether a page shows what it asks for: a tile of a map, a picture, a file by its name."""
    last = path.rpartition("/")[2]
    return bool(_TILE.search(path) or _PICTURE.search(path) or _NAMED_FILE.fullmatch(last))


def _goes_on(path: str, *, of_page: bool) -> bool:
    """Whether what is sent to an address is a report, or a further piece of one thing."""
    is_event = of_page and _EVENTS.search(path)
    return bool(is_event or _REPORTS.search(path)) or not _PIECES.isdisjoint(_words(_verb(path)))


def _verb(path: str) -> str:
    """The end of a path, with what stands before a name that is no id: `batch/read`."""
    *_, before, last = ["", "", *path.rstrip("/").split("/")]
    return f"{before}/{last}" if last.isalpha() else last


def is_paging(spans: Sequence[SpanRow]) -> bool:
    """Whether requests differ in the page that they ask for, and in nothing else."""
    paths = {path_of(span) for span in spans}
    if all(map(_NUMBERED_PAGE.search, paths)) or _is_counted(list(map(path_of, spans))):
        return True
    different = _different(spans)
    return len(paths) == 1 and bool(different) and all(map(_pages, different, different.values()))


def _is_counted(paths: Sequence[str]) -> bool:
    """Whether the ends of paths count on in steps of twenty or more, as places in a list do."""
    ends = [_END.search(path) for path in paths]
    numbers = [int(end[0]) for end in ends if end]
    steps = {after - before for before, after in pairwise(numbers)}
    is_one = len({end.string[: end.start()] for end in ends if end}) == 1
    return len(numbers) == len(paths) > 2 and is_one and len(steps) == 1 and steps.pop() >= _STEP


def is_in_parts(spans: Sequence[SpanRow]) -> bool:
    """Whether requests write to one address, which then takes a thing part by part."""
    is_write = spans[0].http_method in {"PUT", "PATCH"}
    return is_write and len(set(map(path_of, spans))) == 1


def ask_for_many(spans: Sequence[SpanRow]) -> bool:
    """Whether requests name several things each in their query strings, as a list of ids."""
    if all(map(_asks_for_many, spans)):
        return True
    different = _different(spans)
    return any(sum(map(_is_list, values)) > len(spans) / 2 for values in different.values())


def _asks_for_many(span: SpanRow) -> bool:
    pairs = list(_pairs(span))
    names = Counter(name for name, _ in pairs)
    return any(
        names[name] > 1
        or (value and _LIST_NAME.search(name))
        or (_NAMES_ONE.search(name) and _is_list(value))
        for name, value in pairs
    )


def _is_list(value: str) -> bool:
    """Whether a value names several things; a place on a map, or an object of JSON, is one."""
    items = _SEPARATOR.split(value)
    return (
        len(items) > 1 and not value.startswith("{") and not all(map(_COORDINATE.fullmatch, items))
    )


def _different(spans: Sequence[SpanRow]) -> dict[str, list[str]]:
    """The values of each parameter whose value differs, or was hidden, by name."""
    values: dict[str, list[str]] = defaultdict(list)
    for query in map(_query, spans):
        for name, value in query.items():
            values[name].append(value)
    return {
        name: sent
        for name, sent in values.items()
        if len(sent) < len(spans) or len(set(sent)) > 1 or _HIDDEN.search(sent[0])
    }


def _pages(name: str, values: Iterable[str]) -> bool:
    """Whether a parameter is a place in a list, or an end of a window."""
    words = set(_words(name))
    if not _PAGE.isdisjoint(words) or {"page", "token"} <= words:
        return True
    is_place = all(re.search(r"\d", value) or _HIDDEN.search(value) for value in values)
    return is_place and not _WINDOW.isdisjoint(words)


def _words(name: str) -> Iterator[str]:
    """The words of a name in small letters: `startingAfter`, `starting_after`, `$skiptoken`."""
    return (word.lower() for word in _WORD.findall(name))


def _pairs(span: SpanRow) -> Iterator[tuple[str, str]]:
    sent = address(span).partition("?")[2].partition("#")[0]
    pairs = (pair.partition("=") for pair in sent.split("&"))
    return ((unquote(name), unquote(value)) for name, _, value in pairs if name)


def _query(span: SpanRow) -> dict[str, str]:
    return dict(_pairs(span))
