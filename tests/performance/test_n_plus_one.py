import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.performance.findings.detectors import find
from console.performance.findings.n_plus_one import LOOK_UPS, WRITES, one_row
from console.telemetry.finding_kinds import N_PLUS_ONE, WRITE_LOOP
from tests.performance.segments import BOOKS, LOOK_UP, Request

ITEM = "SELECT id FROM item WHERE order_id = ?"


def kinds(request: Request) -> list[str]:
    return [finding.kind for finding in find(request.spans())]


def test_sixteen_look_ups_of_two_milliseconds_in_all_are_found():
    request = Request()
    request.add(BOOKS, us=300)
    for _ in range(16):
        request.add(us=125)
    (finding,) = find(request.spans())
    assert (finding.kind, finding.count, finding.total_us) == (N_PLUS_ONE.name, 16, 2000)
    assert finding.saving_us == 15 * 125
    assert finding.subject == LOOK_UP
    assert finding.parent == "http.server GET /books"
    assert finding.before == BOOKS
    assert finding.offset_us == request.rows[1].timestamp.microsecond
    assert finding.fingerprint == request.rows[1].fingerprint


def test_no_leading_query_is_needed():
    request = Request()
    for _ in range(LOOK_UPS):
        request.add()
    (finding,) = find(request.spans())
    assert (finding.count, finding.before) == (LOOK_UPS, "")


def test_one_less_than_a_loop_is_none():
    request = Request()
    for _ in range(LOOK_UPS - 1):
        request.add()
    assert kinds(request) == []


def test_literals_in_the_text_are_seen_through_and_shown():
    request = Request()
    for number in range(8):
        request.add(f"SELECT name FROM author WHERE id = {number} AND kind = 'writer {number}'")
    (finding,) = find(request.spans())
    assert finding.count == 8
    assert finding.examples[0] == "SELECT name FROM author WHERE id = 0 AND kind = 'writer 0'"
    assert len(finding.examples) == 8


def test_parameters_are_shown_where_the_client_sends_them():
    request = Request()
    for number in range(6):
        request.add(attributes={"db.query.parameter.id": number})
    assert find(request.spans())[0].examples == tuple(f"id={number}" for number in range(6))


def test_cache_middleware_and_other_statements_in_between_do_not_hide_it():
    request = Request()
    for number in range(6):
        request.add("GET author:1", "cache.get")
        request.add("SELECT 1", us=30)
        request.add("SAVEPOINT s1", us=10)
        request.add(us=90)
        request.add("middleware", "middleware.django")
        if number % 2:
            request.add(ITEM)
    (finding,) = find(request.spans())
    assert (finding.subject, finding.count) == (LOOK_UP, 6)


def test_wrappers_around_each_look_up_are_looked_through():
    request = Request()
    page = request.add("render page", "template.render", us=5_000)
    request.now = 1_100
    for number in range(7):
        outer = request.add("serialize", "function", us=200, parent_span_id=page)
        inner = request.add("Author.get", "orm", us=150, at=request.now - 210, parent_span_id=outer)
        request.add(us=100, at=request.now - 200, parent_span_id=inner)
        assert number < 7
    (finding,) = find(request.spans())
    assert (finding.count, finding.parent) == (7, "template.render render page")


def test_two_relations_of_each_row_are_two_findings():
    request = Request()
    for _ in range(6):
        request.add()
        request.add(ITEM)
    assert sorted(one.subject for one in find(request.spans())) == sorted([LOOK_UP, ITEM])


def test_the_code_line_is_told_where_any_of_the_spans_has_it():
    request = Request()
    for number in range(6):
        code = {"code.file.path": "shop/views.py", "code.line.number": 42}
        request.add(attributes={**code, "code.function.name": "books"} if number == 3 else {})
    assert find(request.spans())[0].code == "shop/views.py:42 in books"


def test_loops_of_two_threads_at_once_are_loops():
    request = Request()
    for number in range(6):
        for thread in "12":
            request.add(at=1_000 + number * 200, us=150, attributes={"thread.id": thread})
    assert find(request.spans())[0].count == 12


def test_loops_of_two_tasks_of_one_thread_are_told_by_their_parents():
    request = Request()
    parents = [request.add("list", "function", us=2_000, at=1_000) for _ in range(2)]
    for number in range(6):
        for parent in parents:
            request.add(at=1_000 + number * 200, us=150, parent_span_id=parent)
    assert find(request.spans())[0].count == 12


def at_once(request: Request) -> None:
    for number in range(20):
        request.add(at=1_000 + number, us=800)


def in_a_pool_of_three(request: Request) -> None:
    for number in range(21):
        request.add(at=1_000 + number // 3 * 500, us=450)


@pytest.mark.parametrize(
    ("fill", "count", "saving_us"), [(at_once, 20, 819 - 800), (in_a_pool_of_three, 21, 6 * 450)]
)
def test_look_ups_at_once_are_found_and_save_what_passes_meanwhile(fill, count, saving_us):
    request = Request()
    fill(request)
    (finding,) = find(request.spans())
    assert (finding.kind, finding.count, finding.at_once) == (N_PLUS_ONE.name, count, True)
    assert finding.saving_us == saving_us


def test_at_once_below_wrappers_of_one_name():
    request = Request()
    for number in range(8):
        parent = request.add(f"Query.books.{number}.author", "graphql.resolve", at=1_000, us=900)
        request.add(at=1_050 + number, us=700, parent_span_id=parent)
    (finding,) = find(request.spans())
    assert (finding.count, finding.at_once) == (8, True)


def polling(request: Request) -> None:
    for number in range(20):
        request.add(at=number * 500_000)


def pages(request: Request) -> None:
    for _ in range(2):
        request.add("SELECT COUNT(*) FROM book")
        request.add("SELECT * FROM book ORDER BY id LIMIT 20 OFFSET 40")


def an_export_in_portions(request: Request) -> None:
    for number in range(12):
        request.add(f"SELECT * FROM book ORDER BY id LIMIT 1000 OFFSET {number}000")
        request.add("SELECT * FROM book WHERE id > ? ORDER BY id LIMIT ?")


def a_retry(request: Request) -> None:
    for _ in range(8):
        request.add(status="internal_error")
    request.add(status="ok")


def many_different_statements(request: Request) -> None:
    for number in range(30):
        request.add(f"SELECT * FROM table_{'abcdefghij'[number % 10]} WHERE id = ?")


def transactions(request: Request) -> None:
    for _ in range(10):
        for text in ("BEGIN", "SAVEPOINT sa_1", "RELEASE SAVEPOINT sa_1", "COMMIT", "connect"):
            request.add(text)


def start_up(request: Request) -> None:
    for _ in range(10):
        request.add("PRAGMA main.table_info('book')")
        request.add("SELECT name FROM sqlite_master WHERE type='table'")
        request.add("SET search_path TO ?")
        request.add("SELECT 1")


def batches(request: Request) -> None:
    for number in range(8):
        request.add("INSERT INTO book VALUES (?)", attributes={"db.executemany": True})
        request.add(f"SELECT * FROM author WHERE id IN ({', '.join('?' * (number + 2))})")
        request.add("SELECT * FROM author WHERE id IN (%(id_1)s, %(id_2)s)")
        request.add("SELECT * FROM author WHERE id = ANY($1)")
        request.add("INSERT INTO book VALUES (?, ?), (?, ?)")


def a_queue(request: Request) -> None:
    for _ in range(8):
        request.add("SELECT * FROM job WHERE done = ? LIMIT 1 FOR UPDATE SKIP LOCKED")


def few_writes(request: Request) -> None:
    for _ in range(WRITES - 1):
        request.add("INSERT INTO line (id) VALUES (?)")


@pytest.mark.parametrize(
    "fill",
    [
        polling, pages, an_export_in_portions, a_retry,
        many_different_statements, transactions, start_up, batches, a_queue, few_writes,
    ],
)  # fmt: skip
def test_not_accused(fill):
    request = Request()
    fill(request)
    assert [one for one in kinds(request) if one in {N_PLUS_ONE.name, WRITE_LOOP.name}] == []


def test_single_writes_in_a_loop_have_their_own_name():
    request = Request()
    for _ in range(WRITES):
        request.add("INSERT INTO line (id) VALUES (?)")
    assert kinds(request) == [WRITE_LOOP.name]


def test_start_up_statements_that_are_segments_of_their_own_are_not_looked_at():
    rows = Request(op="db", name="PRAGMA table_info").spans()
    request = Request(op="db", name="PRAGMA table_info")
    for _ in range(10):
        request.add()
    assert find(rows) == find(request.spans()) == []


def test_without_the_segment_itself_nothing_is_found():
    request = Request()
    for _ in range(10):
        request.add()
    assert find(request.rows) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select * from author where id = 7", "look-up"),
        ("/* route=books */ SELECT * FROM author WHERE id = ?", "look-up"),
        ("(SELECT * FROM author WHERE id = ? LIMIT 1)", "look-up"),
        ("WITH a AS (SELECT * FROM author) SELECT * FROM a WHERE id = ?", "look-up"),
        ("SELECT a FROM author WHERE id IN (?)", "look-up"),
        ("SELECT a FROM author WHERE id IN (SELECT x, y FROM z WHERE id = ?)", "look-up"),
        ("SELECT a FROM book WHERE author = ? AND year > ? ORDER BY year LIMIT 1", "look-up"),
        ("SELECT " + "author.column, " * 30, "look-up"),  # cut by the client
        ("SELECT nextval('ids')", ""),
        ("UPDATE book SET title = ? WHERE id = ?", "write"),
        ("INSERT INTO archive SELECT * FROM book", ""),
        ("EXPLAIN SELECT * FROM book", ""),
        ("FETCH FORWARD 100 FROM c_1", ""),
        ("", ""),
        ("😀", ""),
    ],
)
def test_what_a_statement_is(text, kind):
    assert one_row(text) == kind


@given(count=st.integers(0, 40), others=st.integers(0, 20), seed=st.integers(0, 2**16))
def test_a_loop_is_found_from_five_rounds_on_whatever_the_order_and_what_comes_twice(
    count, others, seed
):
    chance = random.Random(seed)
    request = Request()
    for text in chance.sample([LOOK_UP] * count + ["ROLLBACK"] * others, count + others):
        request.add(text, us=chance.randrange(1, 400))
    rows = request.spans() * 2
    chance.shuffle(rows)
    found = find(rows)
    assert [one.count for one in found] == ([count] if count >= LOOK_UPS else [])


@given(
    starts=st.lists(st.integers(0, 2_000), min_size=1, max_size=30),
    length=st.integers(2_100, 9_000),
)
def test_what_all_runs_at_once_is_called_so_and_never_saves_more_than_has_passed(starts, length):
    request = Request()
    for at in starts:
        request.add(at=at, us=length)
    findings = find(request.spans())
    assert [finding.at_once for finding in findings] == [True] * (len(starts) >= LOOK_UPS)
    for finding in findings:
        assert finding.saving_us == max(starts) - min(starts)


@given(
    parents=st.lists(st.integers(0, 12), min_size=6, max_size=12),
    us=st.lists(st.integers(-5, 10**12), min_size=6, max_size=6),
)
def test_cycles_missing_parents_and_impossible_times_break_nothing(parents, us):
    request = Request()
    for number, parent in enumerate(parents):
        request.add(us=us[number % 6], at=0, parent_span_id=f"{parent:016x}")
    for finding in find(request.spans()):
        assert finding.parent
