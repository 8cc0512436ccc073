"""Small bodies as clients of many platforms send them, each with what a user expects of it.

A case of `cases/` has `why` it is there, `requests` (an item of an envelope each: event,
transaction or span, beside fields of the envelope's header) and what is `expected`. In texts
`@now-3`, `@iso-3`, `@ms-3` and `@text-3` are times three seconds ago, as a number of seconds, as
ISO 8601, in milliseconds, and as seconds in a text; `@id32:a` and `@id16:a` are random ids, each
the same within its case.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener, urlopen

import pytest

from tests.support.factories import PASSWORD
from tests.support.live import Connected, Server
from tests.support.waiting import until

CASES = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("cases/*")}
EMAIL = "vera@acme.test"
TIME = re.compile(r"@(now|iso|ms|text)([+-][\d.]+)")
ID = re.compile(r"@id(32|16):(\w+)")
TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
TAG = re.compile(r"<[^>]+>")
KINDS = ("event", "transaction", "span")


@dataclass
class Sent:
    """A case that is on its way through a project of its own."""

    project: Connected
    expected: Mapping[str, Any]
    counts: dict[str, int] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def event_id(self, name: str) -> str:
        return self.ids[f"32:{name}"]


@pytest.fixture(scope="module")
def sent(console: Server) -> dict[str, Sent]:
    """All cases, sent at once: each is digested while another one is looked at."""
    return {name: _send(console, name, case) for name, case in sorted(CASES.items())}


@pytest.fixture(scope="module")
def browser(console: Server, sent: dict[str, Sent]) -> OpenerDirector:
    """Somebody who is signed in."""
    assert sent
    role = ("--organization", "acme", "--role", "viewer", "--password-stdin")
    console.run("user", "create", EMAIL, *role, stdin=PASSWORD)
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    with opener.open(f"{console.url}/login") as answer:
        token = TOKEN.search(answer.read().decode())
    assert token
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": unescape(token[1])}
    opener.open(f"{console.url}/login", urlencode(form).encode()).close()
    return opener


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_case_is_what_its_user_expects(name, sent, browser):
    case = sent[name]
    case.project.wait_for(**case.counts)
    strange = set(case.expected) - CHECKS.keys()
    assert not strange, f"nothing looks at {strange}"
    for kind, expected in case.expected.items():
        CHECKS[kind](case, expected, browser)


def _send(console: Server, name: str, case: Mapping[str, Any]) -> Sent:
    made = Sent(console.project(name.replace("-", " ")), case["expected"])
    dsn, now = urlsplit(made.project.dsn), time.time()
    for request in case["requests"]:
        filled = _filled(request, now, made.ids)
        header = {"sent_at": datetime.fromtimestamp(now, UTC).isoformat()}
        header |= {name: value for name, value in filled.items() if name not in KINDS}
        ((kind, payload),) = ((name, filled[name]) for name in KINDS if name in filled)
        lines = [json.dumps(line) for line in (header, {"type": kind}, payload)]
        url = f"http://{dsn.hostname}:{dsn.port}/api{dsn.path}/envelope/?sentry_key={dsn.username}"
        with urlopen(Request(url, "\n".join(lines).encode())) as answer:
            assert answer.status == 200
        counted = "event" if kind == "event" else "span"
        quantity = 1 + len(payload.get("spans", ()))
        made.counts[counted] = made.counts.get(counted, 0) + quantity
    return made


def _filled(given: Any, now: float, ids: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {key: _filled(value, now, ids) for key, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, now, ids) for value in given]
    if isinstance(given, str):
        if at := TIME.fullmatch(given):
            return _time(at[1], now + float(at[2]))
        if of := ID.fullmatch(given):
            return ids.setdefault(f"{of[1]}:{of[2]}", token_hex(int(of[1]) // 2))
    return given


def _time(kind: str, at: float) -> Any:
    forms = {
        "now": at,
        "ms": int(at * 1000),
        "text": repr(at),
        "iso": datetime.fromtimestamp(at, UTC).isoformat(),
    }
    return forms[kind]


def _events(case: Sent) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The events of all issues, each with its issue's id."""
    for issue in case.project.get("issues?status=all")["issues"]:
        for event in case.project.get(f"issues/{issue['id']}/events")["events"]:
            yield issue["id"], event


def _of_event(case: Sent, name: str) -> Mapping[str, Any]:
    wanted = case.event_id(name)
    return next(event for _, event in _events(case) if event["id"] == wanted)


def _fields(case: Sent, expected: Mapping[str, Mapping[str, str]], _: OpenerDirector) -> None:
    for name, fields in expected.items():
        event = _of_event(case, name)
        for key, value in fields.items():
            if key.endswith("_has"):
                assert value in event[key.removesuffix("_has")]
            else:
                assert event[key] == value


def _pages(case: Sent, expected: Mapping[str, list[str]], browser: OpenerDirector) -> None:
    for name, words in expected.items():
        with browser.open(_of_event(case, name)["url"]) as answer:
            page = unescape(TAG.sub(" ", answer.read().decode()))
        shown = " ".join(page.split())
        assert [word for word in words if word not in shown] == []


def _issues(case: Sent, expected: list[list[str]], _: OpenerDirector) -> None:
    names = {value: name for name, value in case.ids.items()}
    together: dict[int, set[str]] = {}
    for issue_id, event in _events(case):
        together.setdefault(issue_id, set()).add(names[event["id"]].removeprefix("32:"))
    listed = sorted(sorted(members) for members in together.values())
    wanted = {name for members in expected for name in members}
    apart = [[name for name in members if name in wanted] for members in listed]
    assert [members for members in apart if members] == sorted(sorted(one) for one in expected)


def _seen(case: Sent, seconds: float, _: OpenerDirector) -> None:
    for _issue, event in _events(case):
        age = datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])
        assert 0 <= age.total_seconds() < seconds


def _endpoints(case: Sent, expected: list[str], _: OpenerDirector) -> None:
    listed = case.project.get("performance/endpoints")["endpoints"]
    assert set(expected) <= {endpoint["name"] for endpoint in listed}


def _findings(case: Sent, expected: list[list[str]], _: OpenerDirector) -> None:
    def seen() -> set[tuple[str, str]]:
        listed = case.project.get("performance/findings?status=all")["findings"]
        own = [row["finding"] for row in listed if row["finding"]]
        return {(finding["kind"], finding["endpoint"]) for finding in own}

    wanted = {(kind, endpoint) for kind, endpoint in expected}
    until(lambda: wanted <= seen(), f"findings {wanted}", seconds=60)


def _queries(case: Sent, expected: list[list[str]], _: OpenerDirector) -> None:
    listed = case.project.get("performance/statements")["statements"]
    for verb, table in expected:
        assert any(row["verb"] == verb and table in row["tables"] for row in listed), listed


def _vitals(case: Sent, expected: Mapping[str, Any], _: OpenerDirector) -> None:
    answer = case.project.get("performance/vitals")
    assert answer["loads"] == expected["loads"]
    names = [page["page"] for page in answer["pages"]]
    assert not set(names) & set(expected["pages_without"])
    assert expected["page_with_inp"] in names


CHECKS: Mapping[str, Callable[[Sent, Any, OpenerDirector], None]] = {
    "events": _fields,
    "pages": _pages,
    "issues_of": _issues,
    "seen_within_s": _seen,
    "endpoints": _endpoints,
    "findings": _findings,
    "queries": _queries,
    "vitals": _vitals,
}
