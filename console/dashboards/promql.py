"""Which metric of the catalogue a Prometheus query asks for, where that can be said honestly.

Only whole queries of known forms over known names are recognised (docs/dashboards.md has them):
anything else would be another number under the same title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LONGEST = 2_000
REQUESTS = {
    "http_requests",
    "http_request_duration_seconds",
    "http_request_duration_milliseconds",
    "http_server_request_duration_seconds",
    "http_server_request_duration",
    "http_server_duration_milliseconds",
    "http_server_duration",
    "http_server_requests_seconds",
    "http_server_requests",
    "flask_http_request_duration_seconds",
    "flask_http_request",
    "fastapi_requests",
    "starlette_requests",
    "django_http_requests_latency_seconds",
    "django_http_requests_total_by_method",
}
"""Histograms and counters of a server's requests, without _bucket, _count, _sum and _total."""
CHECKS = {"probe_success": "checks.uptime"}
QUANTILES = {"0.5": "requests.p50", "0.95": "requests.p95", "0.99": "requests.p99"}
PLACES = {
    "app", "application", "cluster", "container", "datasource", "exported_job", "instance", "job",
    "namespace", "node", "pod", "region", "service", "service_name", "team",
}  # fmt: skip
"""Labels that say which system is meant: in this console that is the project."""
ENVIRONMENTS = {"env", "environment", "deployment_environment"}
STATUSES = {
    "code", "http_response_status_code", "http_status", "http_status_code", "status", "status_code",
}  # fmt: skip
METHODS = {"http_method", "http_request_method", "method", "verb"}
ROUTES = {"endpoint", "handler", "http_route", "path", "route", "uri", "url", "view"}
FAILED = {"5..", "5.*", "5xx", "^5..$", "5\\d\\d", "5[0-9]{2}", "5[0-9][0-9]", "5.+"}
_SELECTOR = r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>[^{}]*)\})?"
_RATE = rf"(?:rate|irate|increase)\({_SELECTOR}\[[^\[\]]+\]\)"
_BARE = r"(?:rate|irate|increase)\((?P<bare>[a-zA-Z_:][\w:]*)(?:\{(?P<own>[^{}]*)\})?\[[^\[\]]+\]\)"
_BEFORE, _AFTER = (rf"(?:by ?\((?P<{name}>[\w, ]*)\))?" for name in ("before", "after"))
_SUM = rf"sum ?{_BEFORE} ?\({_RATE}\) ?{_AFTER}|{_BARE}"
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_COUNT = re.compile(_SUM)
_QUANTILE = re.compile(r"histogram_quantile\((?P<quantile>0?\.\d+), ?(?P<inner>.+)\)")
_CHECK = re.compile(rf"(?:avg\()?(?:avg_over_time\()?{_SELECTOR}(?:\[[^\[\]]+\])?\)?\)?")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A metric with its filters and breakdown, and what was left out to get there."""

    metric: str
    where: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counted:
    """Requests of a selector: whether only failures, of which filters, by which labels."""

    name: str
    failed: bool
    where: Mapping[str, str]
    by: str
    left_out: tuple[str, ...]


def recognised(query: str) -> Recognised | None:
    """The metric that a query asks for; None if it is not one of the known forms."""
    if len(query) > LONGEST:
        return None
    text = re.sub(r" ?([(),\[\]{}/*]) ?", r"\1", " ".join(query.split()))
    return _quantile(text) or _share(text) or _requests(text) or _check(text)


def _requests(text: str) -> Recognised | None:
    counted = _counted(text, ("_count", "_total", ""))
    if counted is None:
        return None
    metric = "requests.failures" if counted.failed else "requests.count"
    lost = counted.left_out
    if "increase(" not in text:
        lost = (*lost, "a number per time bucket instead of a rate per second")
    return Recognised(metric, counted.where, counted.by, lost)


def _quantile(text: str) -> Recognised | None:
    match = _QUANTILE.fullmatch(text)
    metric = QUANTILES.get(_plain(match["quantile"])) if match else None
    counted = _counted(match["inner"], ("_bucket",)) if match and metric else None
    if counted is None or metric is None or counted.failed:
        return None
    return Recognised(metric, counted.where, counted.by, counted.left_out)


def _share(text: str) -> Recognised | None:
    """Failures divided by requests, of the same selector otherwise."""
    inner = _unwrapped(text.removeprefix("100*").removesuffix("*100"))
    above, _, below = inner.partition("/")
    if not below or "/" in below:
        return None
    suffixes = ("_count", "_total", "")
    failed, whole = _counted(above, suffixes), _counted(below, suffixes)
    if failed is None or whole is None or not failed.failed:
        return None
    if replace(failed, failed=False) != whole:
        return None
    return Recognised("requests.error_rate", whole.where, whole.by, whole.left_out)


def _unwrapped(text: str) -> str:
    """A text without the parentheses around the whole of it."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and place < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _check(text: str) -> Recognised | None:
    match = _CHECK.fullmatch(text)
    metric = CHECKS.get(match["name"]) if match and text.count("(") == text.count(")") else None
    if match is None or metric is None:
        return None
    labels = _labels(match["labels"] or "")
    if labels is None or any(name not in PLACES for name, _, _ in labels):
        return None
    return Recognised(metric, left_out=_places(labels))


def _counted(text: str, suffixes: tuple[str, ...]) -> _Counted | None:
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        return None
    name = match["name"] or match["bare"]
    base = next((name.removesuffix(end) for end in suffixes if name.endswith(end)), "")
    labels = _labels(match["labels"] or match["own"] or "")
    by = _by((match["before"] or match["after"] or "").replace(",", " ").split())
    if base not in REQUESTS or labels is None or by is None:
        return None
    where, failed = _where(labels)
    if where is None:
        return None
    lines = ("a line for each of its series",) if match["bare"] else ()
    return _Counted(base, failed, where, by[0], (*_places(labels), *by[1], *lines))


def _labels(text: str) -> list[tuple[str, str, str]] | None:
    """Label, operator and value of each matcher; None for what is none."""
    labels, place = [], 0
    while place < len(text):
        match = _MATCHER.match(text, place)
        if match is None:
            return None
        labels.append((match[1], match[2], match[3].replace("\\\\", "\\")))
        place = match.end()
        if place < len(text) and text[place] != ",":
            return None
        place += 1
    return labels


def _where(labels: list[tuple[str, str, str]]) -> tuple[dict[str, str] | None, bool]:
    """The filters that matchers say, None if one cannot be said; and whether only failures."""
    where: dict[str, str] = {}
    failed = False
    for name, operator, value in labels:
        if name in PLACES | ENVIRONMENTS or name == "le":
            continue
        if name in STATUSES and operator in {"=~", "="} and value in FAILED:
            failed = True
        elif name in STATUSES and operator == "=" and value.isdecimal():
            where["status"] = value
        elif name in METHODS and operator == "=" and value.isalpha():
            where["method"] = value.upper()
        else:
            return None, False
    return where, failed


def _by(labels: list[str]) -> tuple[str, tuple[str, ...]] | None:
    """The dimension of a breakdown, with what was left out of it; None for one that there is not.

    Endpoints are methods with their routes, as requests name them.
    """
    wanted = {label for label in labels if label != "le"}
    known = wanted - PLACES - ENVIRONMENTS
    left_out = tuple(f"broken down by {label}" for label in sorted(wanted - known))
    if not known:
        return "", left_out
    if known <= ROUTES | METHODS and known & ROUTES:
        return "endpoint", left_out
    if len(known) == 1 and known <= METHODS:
        return "method", left_out
    return ("status", left_out) if len(known) == 1 and known <= STATUSES else None


def _places(labels: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """The matchers in whose place stands the project, or the choice of an environment."""
    return tuple(
        f"the filter {name}{operator}{value}"
        for name, operator, value in labels
        if name in PLACES | ENVIRONMENTS
    )


def _plain(number: str) -> str:
    return f"{float(number):g}"
