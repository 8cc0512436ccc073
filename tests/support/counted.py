"""Records of every kind in both stores, and each metric counted from them in plain Python."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from console.core.db import db
from console.errors.models import Category, Issue, IssueHash, Level
from console.intake import ledger
from console.intake.models import Outcome
from console.telemetry.finding_kinds import N_PLUS_ONE
from console.telemetry.kinds import CHECK_RESULTS
from console.telemetry.metric import Metric
from console.telemetry.records import (
    Batch,
    CheckResult,
    PageLoad,
    Session,
)
from console.telemetry.store import EXTENSION
from tests.support import counted_checks, counted_incidents, counted_rules
from tests.support.counting import Number, Row, of_all, quantile
from tests.telemetry.samples import NOON, error, hour, span

HOURS = 6
DAY = timedelta(days=1)
THRESHOLD_MS = 100


def weight(rows: Sequence[Row]) -> float:
    return float(sum(1 / row["sample_rate"] for row in rows))


def has_failed(row: Row) -> bool:
    if row["http_status"] is not None:
        return bool(row["http_status"] >= 500)
    return row["status"] not in ("", "ok", "cancelled", "unknown")


def apdex(rows: Sequence[Row]) -> float:
    def mark(row: Row) -> float:
        milliseconds = row["duration_us"] / 1000
        if has_failed(row) or milliseconds > 4 * THRESHOLD_MS:
            return 0.0
        return 1.0 if milliseconds <= THRESHOLD_MS else 0.5

    return float(sum(mark(row) / row["sample_rate"] for row in rows)) / weight(rows)


def per_request(rows: Sequence[Row]) -> Number:
    requests = {row["segment_id"] for row in rows if not row["is_segment"]}
    return (len(rows) / len(requests), len(requests)) if requests else (None, 0)


def lag(rows: Sequence[Row]) -> float:
    microsecond = timedelta(microseconds=1)
    late = [
        (row["received_at"] - row["timestamp"]) / microsecond - row.get("duration_us", 0)
        for row in rows
    ]
    return quantile(late, 0.99) / 1000


def p75(name: str) -> Callable[[Sequence[Row]], Number]:
    def counted(rows: Sequence[Row]) -> Number:
        measured = sorted(row[name] for row in rows if row[name] is not None)
        number = measured[ceil(0.75 * len(measured)) - 1] if measured else None
        return number, len(measured)

    return counted


def fate(name: str) -> Callable[[Sequence[Row]], Number]:
    def counted(rows: Sequence[Row]) -> Number:
        items = sum(row["quantity"] for row in rows if row["outcome"] == name)
        return items, items

    return counted


def sessions(rows: Sequence[Row]) -> float:
    return float(sum(row["quantity"] for row in rows))


def session_share(keep: Callable[[Row], bool]) -> Callable[[Sequence[Row]], Number]:
    """The share of sessions that are as `keep` says."""

    def counted(rows: Sequence[Row]) -> Number:
        whole = sessions(rows)
        kept = sessions([row for row in rows if keep(row)])
        return (kept / whole, int(whole)) if whole else (None, 0)

    return counted


def is_healthy(row: Row) -> bool:
    return row["status"] in ("ok", "exited") and not row["errors"]


def crash_free_users(rows: Sequence[Row]) -> Number:
    users = {row["user_key"] for row in rows} - {""}
    crashed = {row["user_key"] for row in rows if row["status"] == "crashed"} - {""}
    return (1 - len(crashed) / len(users), len(users)) if users else (None, 0)


def latency(share: float) -> Callable[[Sequence[Row]], Number]:
    return of_all(lambda rows: quantile([row["duration_us"] / 1000 for row in rows], share))


REQUESTS: dict[str, Callable[[Sequence[Row]], Number]] = {
    "requests.count": of_all(weight),
    "requests.failures": of_all(lambda rows: weight([row for row in rows if has_failed(row)])),
    "requests.error_rate": of_all(
        lambda rows: weight([row for row in rows if has_failed(row)]) / weight(rows)
    ),
    "requests.p50": latency(0.5),
    "requests.p95": latency(0.95),
    "requests.p99": latency(0.99),
    "requests.time": of_all(
        lambda rows: sum(row["duration_us"] / row["sample_rate"] for row in rows) / 1000
    ),
    "requests.apdex": of_all(apdex),
}
STATEMENTS: dict[str, Callable[[Sequence[Row]], Number]] = {
    "statements.count": of_all(weight),
    "statements.p95": latency(0.95),
    "statements.per_request": per_request,
}
ERRORS = {
    "errors.events": of_all(len),
    "errors.users": of_all(lambda rows: len({row["user_key"] for row in rows} - {""})),
    "intake.error_events_lag": of_all(lag),
}
OCCURRENCES = {
    "issues.events": of_all(len),
    "issues.users": of_all(lambda rows: len({row["user_key"] for row in rows} - {""})),
}
FINDINGS: dict[str, Callable[[Sequence[Row]], Number]] = {
    "findings.count": of_all(len),
    "findings.n_plus_one": lambda rows: (
        (len([row for row in rows if row["kind"] == N_PLUS_ONE.title]),) * 2
    ),
}
SESSIONS: dict[str, Callable[[Sequence[Row]], Number]] = {
    "sessions.count": lambda rows: (sessions(rows), int(sessions(rows))),
    "sessions.crash_free": session_share(lambda row: row["status"] != "crashed"),
    "sessions.crash_free_users": crash_free_users,
    "sessions.unhandled_free": session_share(
        lambda row: row["status"] not in ("crashed", "unhandled")
    ),
    "sessions.healthy": session_share(is_healthy),
}
PEOPLE: dict[str, Callable[[Sequence[Row]], Number]] = {
    "people.active": lambda rows: (len({row["user_key"] for row in rows}),) * 2
}
VITALS = {f"vitals.{name}": p75(name) for name in ("lcp", "inp", "cls", "fcp", "ttfb", "fid")}
FATES = {f"intake.{name}": fate(name) for name in ledger.OUTCOMES}
DIMENSIONS: dict[str, Callable[[Row], str]] = {
    "check": lambda row: row["slug"],
    "statement": lambda row: row["fingerprint"],
    "group": lambda row: row["grouping_hash"][:16],
    "endpoint": lambda row: row.get("endpoint", row.get("transaction")),
    "issue": lambda row: str(row["issue_id"]),
    "server": lambda row: row["server_name"],
    "method": lambda row: row["http_method"],
    "status": lambda row: str(row["http_status"] or row["status"]),
}


class Stored:
    """The same records as the stores hold, as plain rows."""

    def __init__(self, app: Any, project: Any) -> None:
        self._dice = random.Random(7)
        self._own = {"organization_id": project.organization_id, "project_id": project.id}
        spans = [*self._made(200, self._request), *self._made(150, self._call)]
        errors, loads = self._made(150, self._error), self._made(150, self._load)
        self.sessions = self._made(150, self._session)
        batch = Batch(
            spans=[span(1, **row) for row in spans],
            errors=[error(1, **row) for row in errors],
            page_loads=[PageLoad(position=1, **row) for row in loads],
            sessions=[Session(position=1, **row) for row in self.sessions],
        )
        checked = self._made(150, lambda: counted_checks.made(self._dice, self._common()))
        app.extensions[EXTENSION].write(project.organization_id, batch, 1)
        results = [CheckResult(position=-1, **row) for row in checked]
        app.extensions[EXTENSION].write_own(project.organization_id, results, 1, CHECK_RESULTS)
        issues, lines = self._made(40, self._issue), self._lines()
        decisions = counted_rules.stored(self._dice, project, HOURS)
        incidents = counted_incidents.stored(self._dice, project, HOURS)
        db.session.add_all(Outcome(**row) for row in lines)
        for row in issues:
            issue = Issue(**self._own, title="A bug", events=1, last_seen=NOON, **row)
            db.session.add(issue)
        errors = self._by_issue(errors)
        db.session.commit()
        requests = [row for row in spans if row["category"] in ("request", "task")]
        calls = [row for row in spans if row["category"] == "db"]
        self.rows: list[tuple[Mapping[str, Callable[[Sequence[Row]], Number]], Sequence[Row]]] = [
            (REQUESTS, requests),
            (STATEMENTS, calls),
            ({"intake.spans_lag": of_all(lag)}, spans),
            (ERRORS, [row for row in errors if row["category"] == "error"]),
            (OCCURRENCES, errors),
            (FINDINGS, [row for row in errors if row["category"] == "performance"]),
            (SESSIONS, self.sessions),
            (PEOPLE, self._people(errors=errors, requests=spans, pages=loads)),
            (VITALS, loads),
            (
                counted_checks.CHECKS,
                [row for row in checked if row["counts"] and not row["maintenance"]],
            ),
            (counted_checks.STATES, checked),
            (counted_rules.RULES, decisions),
            (counted_incidents.INCIDENTS, incidents),
            (FATES, [{**row, "timestamp": row["hour"]} for row in lines]),
            *_counted_issues(issues),
        ]

    def _people(self, **records: Sequence[Row]) -> list[Row]:
        """The records that name a person, with their source."""
        return [
            {**row, "source": source, "quantity": 1}
            for source, rows in {**records, "sessions": self.sessions}.items()
            for row in rows
            if row.get("user_key")
        ]

    def of(self, metric: Metric) -> tuple[Callable[[Sequence[Row]], Number], Sequence[Row]]:
        """How a metric is counted in Python, and of which rows."""
        return next((kinds[metric.id], rows) for kinds, rows in self.rows if metric.id in kinds)

    def _made(self, count: int, make: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        return [make() for _ in range(count)]

    def _common(self) -> dict[str, Any]:
        at = NOON + timedelta(microseconds=self._dice.randrange(int(HOURS * 3.6e9)))
        return {
            **self._own,
            "timestamp": at,
            "received_at": at + timedelta(milliseconds=self._dice.randrange(20_000)),
            "environment": self._dice.choice(["production", "production", "staging", ""]),
            "release": self._dice.choice(["shop@1", "shop@2", "shop@2", ""]),
        }

    def _span(self) -> dict[str, Any]:
        return self._common() | {
            "duration_us": round(self._dice.lognormvariate(11, 1)),
            "server_name": self._dice.choice(["web-1", "web-2"]),
            "sample_rate": self._dice.choice([1.0, 1.0, 0.5]),
            "sdk": self._dice.choice(["sentry.python", "otlp"]),
            "user_key": self._dice.choice(["", "a" * 16, "d" * 16]),
            "status": self._dice.choice(["ok", "ok", "error", "cancelled"]),
            "http_status": None,
            "http_method": "",
        }

    def _request(self) -> dict[str, Any]:
        name = self._dice.choice(["GET /a", "GET /a", "GET /a", "POST /b", "POST /b", "task.mail"])
        is_task = name == "task.mail"
        return self._span() | {
            "endpoint": name,
            "category": "task" if is_task else "request",
            "is_segment": True,
            "http_method": "" if is_task else name.partition(" ")[0],
            "http_status": None if is_task else self._dice.choice([200, 200, 404, 500]),
        }

    def _call(self) -> dict[str, Any]:
        return self._span() | {
            "category": "db",
            "is_segment": False,
            "fingerprint": self._dice.choice(["a" * 16, "a" * 16, "b" * 16, "c" * 16]),
            "segment_id": self._dice.choice(["1" * 16, "2" * 16, "3" * 16, "4" * 16]),
        }

    def _error(self) -> dict[str, Any]:
        return self._common() | {
            "level": self._dice.choice(["error", "error", "warning", "fatal"]),
            "kind": self._dice.choice(["KeyError", "KeyError", "ValueError", N_PLUS_ONE.title]),
            "transaction": self._dice.choice(["checkout", "cart", "cart", "mail"]),
            "platform": self._dice.choice(["python", "python", "node"]),
            "user_key": self._dice.choice(["", "a" * 16, "b" * 16, "c" * 16]),
            "category": self._dice.choice(["error", "error", "performance"]),
            "grouping_hash": self._dice.choice(["a" * 32, "a" * 32, "b" * 32, "c" * 32]),
        }

    def _session(self) -> dict[str, Any]:
        return self._common() | {
            "session_id": f"{self._dice.randrange(1 << 128):032x}",
            "status": self._dice.choice(
                ["ok", "exited", "exited", "errored", "unhandled", "crashed"]
            ),
            "errors": self._dice.choice([0, 0, 1]),
            "quantity": self._dice.choice([1, 1, 7]),
            "user_key": self._dice.choice(["", *(f"{user:016x}" for user in range(1, 30))]),
        }

    def _by_issue(self, errors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The events with the issue that each belongs to; one issue has two grouping hashes."""
        hashes = sorted({row["grouping_hash"] for row in errors})
        first, second = (
            Issue(**self._own, title=title, first_seen=NOON - DAY, last_seen=NOON)
            for title in ("One bug", "Another")
        )
        db.session.add_all([first, second])
        db.session.flush()
        issues = dict(zip(hashes, (first, second, second), strict=True))
        for hash_, issue in issues.items():
            db.session.add(
                IssueHash(**self._own, issue_id=issue.id, hash=hash_, variant="", components=[])
            )
        return [row | {"issue_id": issues[row["grouping_hash"]].id} for row in errors]

    def _load(self) -> dict[str, Any]:
        dice = self._dice
        measured = {name: dice.lognormvariate(7, 1) for name in ("lcp", "inp", "fcp", "ttfb")}
        return (
            self._common()
            | measured
            | {
                "page_id": f"{dice.randrange(1 << 64):016x}",
                "page": dice.choice(["/", "/", "/cart", "/books/{id}"]),
                "device": dice.choice(["desktop", "desktop", "mobile", "tablet"]),
                "user_key": dice.choice(["", "b" * 16, "e" * 16, "f" * 16]),
                "cls": dice.choice([None, 0.0, 0.04, 0.2]),
                "fid": None,
            }
        )

    def _issue(self) -> dict[str, Any]:
        at = self._common()["timestamp"]
        return {
            "first_seen": at,
            "regressed_at": self._dice.choice([None, at + timedelta(minutes=1)]),
            "level": self._dice.choice([Level.ERROR, Level.ERROR, Level.WARNING, Level.FATAL]),
            "category": self._dice.choice([Category.ERROR, Category.PERFORMANCE]),
            "kind": self._dice.choice(["KeyError", "ValueError", "OSError"]),
        }

    def _lines(self) -> list[dict[str, Any]]:
        keys = {
            (
                hour(self._dice.randrange(HOURS)),
                self._dice.choice(["event", "span", "log"]),
                self._dice.choice(ledger.OUTCOMES),
                self._dice.choice(["", "quota", "too_large"]),
            )
            for _ in range(80)
        }
        names = ("hour", "item_type", "outcome", "reason")
        return [
            {
                **self._own,
                **dict(zip(names, key, strict=True)),
                "quantity": self._dice.randrange(1, 9),
                "last_at": key[0],
            }
            for key in sorted(keys)
        ]


def _counted_issues(
    issues: Sequence[Row],
) -> list[tuple[Mapping[str, Callable[[Sequence[Row]], Number]], Sequence[Row]]]:
    """The issues that each metric counts, at the moment that it counts them by."""
    return [
        _by_moment("issues.new", issues, "first_seen"),
        _by_moment("issues.new_types", _first_of_their_kind(issues), "first_seen"),
        _by_moment("issues.regressed", issues, "regressed_at"),
    ]


def _by_moment(
    metric: str, issues: Sequence[Row], moment: str
) -> tuple[Mapping[str, Callable[[Sequence[Row]], Number]], Sequence[Row]]:
    rows = [{**issue, "timestamp": issue[moment]} for issue in issues if issue[moment]]
    return {metric: of_all(len)}, rows


def _first_of_their_kind(issues: Sequence[Row]) -> Sequence[Row]:
    def is_first(issue: Row) -> bool:
        same = [other for other in issues if other["kind"] == issue["kind"]]
        return all(issue["first_seen"] <= other["first_seen"] for other in same)

    return [issue for issue in issues if issue["category"] is Category.ERROR and is_first(issue)]
