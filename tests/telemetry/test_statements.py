"""Questions about statements: exact numbers on few rows, corrected for sampling, scoped."""

from datetime import timedelta

import pytest

from console.telemetry import statements
from console.telemetry.records import Batch
from console.telemetry.statements import Caller, InRelease, Location, StatementsWanted
from tests.telemetry.samples import NOON, hour, scope, span

MS = 1000
READ, WRITE = "a" * 16, "b" * 16
TEXTS = {READ: "SELECT * FROM book WHERE id = ?", WRITE: "UPDATE book SET title = ? WHERE id = ?"}


def call(fingerprint=READ, **fields):
    plain = {
        "op": "db",
        "category": "db",
        "fingerprint": fingerprint,
        "statement": TEXTS.get(fingerprint, ""),
        "duration_us": 10 * MS,
        "segment_id": "1" * 16,
        "status": "ok",
    }
    return span(**(plain | fields))


def request(segment_id, endpoint="GET /books", **fields):
    plain = {
        "category": "request",
        "endpoint": endpoint,
        "is_segment": True,
        "duration_us": 100 * MS,
        "http_status": 200,
    }
    return span(span_id=segment_id, segment_id=segment_id, **(plain | fields))


@pytest.fixture
def write(asking):
    def write(*records):
        asking.write(1, Batch(spans=records), 1)

    return write


def usage(**fields):
    """The calls of READ, of which there are some."""
    found = statements.statement_of(scope(**fields), READ)
    assert found is not None
    return found.usage


def per_request():
    """Calls of READ in each request that makes any."""
    found = statements.statement_of(scope(), READ)
    assert found is not None
    return found.per_request


def test_statements_stand_in_the_order_of_their_total_time(write):
    write(
        *[call(duration_us=n * MS, segment_id=f"{n % 2 + 1:016x}") for n in range(1, 11)],
        call(WRITE, duration_us=100 * MS, status="internal_error"),
        call("c" * 16, category="http"),
        call("", name="connect"),
    )
    (write_, read), total = statements.statements(scope(), StatementsWanted())
    assert total is not None
    assert (write_.fingerprint, read.fingerprint) == (WRITE, READ)
    found = read.usage
    assert (found.count, found.received, found.failed) == (10, 10, 0)
    assert read.per_request == 5
    assert found.p50 == pytest.approx(5.5 * MS)
    assert found.p95 == pytest.approx(9.55 * MS)
    assert found.p99 == pytest.approx(9.91 * MS)
    assert (found.total_us, found.estimated) == (55 * MS, False)
    assert write_.usage.failed == 1
    assert (total.usage.count, total.usage.total_us) == (11, 155 * MS)
    assert total.per_request == 11 / 3
    assert statements.total_us(scope()) == 155 * MS
    assert statements.statement_of(scope(), READ) == read


def test_counts_are_corrected_by_the_sample_rate(write):
    write(call(sample_rate=0.25), call(sample_rate=0.5, status="aborted"))
    found = usage()
    assert (found.count, found.received, found.failed) == (6, 2, 2)
    assert found.total_us == 60 * MS
    assert found.estimated
    assert per_request() == 2
    assert sum(statements.durations(scope(), READ).values()) == 6


def test_of_many_calls_those_per_request_are_told_by_a_sample(write, monkeypatch):
    ids = [f"{number:016x}" for number in range(1, 81)]
    write(
        *[call(segment_id=one, duration_us=n * MS) for one in ids for n in range(1, 4)],
        *[call(WRITE, segment_id=one, duration_us=MS) for one in ids[:3] for _ in range(2)],
        call("d" * 16, is_segment=True, segment_id="9" * 16),
    )
    exact = statements.statements(scope(), StatementsWanted())
    monkeypatch.setattr(statements, "MANY", 100)
    monkeypatch.setattr(statements, "RARE", 0)
    (read, *_), _ = statements.statements(scope(), StatementsWanted())
    assert read.per_request == 3
    monkeypatch.setattr(statements, "RARE", 10)
    found, total = statements.statements(scope(), StatementsWanted())
    assert found == exact[0]
    assert {one.fingerprint: one.per_request for one in found} == {READ: 3, WRITE: 2, "d" * 16: 0}
    assert total == exact[1], "all calls as one are never a sample"


def test_a_call_outside_of_any_request_is_none_of_a_request(write):
    write(call(is_segment=True, segment_id="9" * 16))
    assert (usage().count, per_request()) == (1, 0)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (StatementsWanted(text="TITLE"), [WRITE]),
        (StatementsWanted(text="50%"), []),
        (StatementsWanted(matching="^UPDATE"), [WRITE]),
        (StatementsWanted(not_matching="^UPDATE"), [READ]),
        (StatementsWanted(over_us=20 * MS), [WRITE]),
        (StatementsWanted(endpoint="POST /books"), [WRITE]),
        (StatementsWanted(endpoint="nowhere"), []),
        (StatementsWanted(text="book", matching="^SELECT", endpoint="GET /books"), [READ]),
    ],
)
def test_filters(write, wanted, found):
    write(
        request("1" * 16),
        call(),
        request("2" * 16, endpoint="POST /books"),
        call(WRITE, segment_id="2" * 16, duration_us=20 * MS),
    )
    rows, _ = statements.statements(scope(), wanted)
    assert [row.fingerprint for row in rows] == found


def test_only_calls_of_the_scope_count(write):
    write(
        call(),
        call(project_id=2),
        call(at=hour(-13)),
        call(environment="staging", at=hour(1)),
    )
    assert usage().count == 2
    assert usage(environment="staging").count == 1
    assert statements.statement_of(scope(project_id=3), READ) is None
    assert statements.statements(scope(project_id=3), StatementsWanted()) == ([], None)
    assert statements.total_us(scope(project_id=3)) == 0


def test_texts_are_of_the_project_and_older_than_the_scope(write):
    write(call(at=hour(-30)), call(project_id=2, statement="another"))
    found = statements.texts(scope(), [READ, WRITE])
    assert {key: one.text for key, one in found.items()} == {READ: TEXTS[READ]}
    assert found[READ].first_seen == hour(-30)


def test_percentiles_per_time_bucket_have_gaps(write):
    write(
        call(at=hour(-12)),
        call(at=hour(-12), duration_us=30 * MS),
        call(WRITE, at=hour(11.5)),
    )
    found = statements.moments(scope(), 3600, READ)
    first, *rest = found.latencies
    assert first is not None
    assert (first.count, first.p50) == (2, 20 * MS)
    assert rest == [None] * 23
    assert found.starts[0] == hour(-12)
    trends = statements.p95_trends(scope(), [READ, WRITE], 43_200)
    assert trends == {READ: [29 * MS, None], WRITE: [None, 10 * MS]}
    assert statements.p95_of(scope(), [WRITE]) == {WRITE: (1, 10 * MS)}


def test_callers_are_the_endpoints_with_their_calls_and_share(write):
    write(
        request("1" * 16),
        request("2" * 16),
        call(),
        call(),
        call(WRITE),
        request("3" * 16, endpoint="mail", category="task", sample_rate=0.5),
        call(segment_id="3" * 16, duration_us=50 * MS, sample_rate=0.5),
    )
    assert statements.callers(scope(), READ) == [
        Caller("mail", "task", 2, 1, 1, 100 * MS, 0.5, True),
        Caller("GET /books", "request", 2, 1, 2, 20 * MS, 0.1, False),
    ]
    assert statements.callers(scope(), READ)[1].per_request == 2


def test_code_is_named_where_the_client_does(write):
    code = {"code.file.path": "shop/books.py", "code.line.number": 12}
    write(
        call(attributes=code | {"code.function.name": "shelf"}, duration_us=120 * MS),
        call(attributes=code | {"code.function.name": "shelf"}),
        call(attributes=code | {"code.line.number": 40}),
        call(),
        call(WRITE, attributes=code),
    )
    assert statements.locations(scope(), READ) == [
        Location("shop/books.py", "12", "shelf", 2, 120 * MS),
        Location("shop/books.py", "40", "", 1, 10 * MS),
    ]


def test_the_slowest_calls_and_the_releases(write):
    write(
        call(duration_us=30 * MS, trace_id="d" * 32, release="shop@2", at=hour(1)),
        call(duration_us=20 * MS, release="shop@1", at=NOON),
        call(duration_us=10 * MS, release="shop@1", at=NOON + timedelta(minutes=1)),
    )
    slow, *_ = found = statements.slowest(scope(), READ, limit=2)
    assert [one.duration_us for one in found] == [30 * MS, 20 * MS]
    assert (slow.trace_id, slow.timestamp, slow.failed) == ("d" * 32, hour(1), False)
    assert statements.by_release(scope(), READ) == [
        InRelease("shop@2", 1, 30 * MS, hour(1)),
        InRelease("shop@1", 2, 19.5 * MS, NOON),
    ]


def test_a_sparkline_of_very_many_looks_at_some_requests(write):
    ids = [f"{number:016x}" for number in range(1, 9)]
    write(*[call(segment_id=one, duration_us=int(one, 16) * MS) for one in ids])
    (every,) = statements.p95_trends(scope(), [READ], 86_400)[READ]
    (some,) = statements.p95_trends(scope(), [READ], 86_400, sample=8)[READ]
    assert every == pytest.approx(7.65 * MS)
    assert some == 8 * MS  # the eighth alone
