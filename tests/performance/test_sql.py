"""The normal form of SQL: what it makes equal, what it keeps apart, whatever it is given."""

import random
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.performance.statements.normal import normalise
from console.performance.statements.text import READS, WRITES, shortened, tables, verb

SAME = [
    ("select * from users where id=1", "SELECT * FROM users WHERE id = ?"),
    (
        "SELECT a FROM t WHERE n = 'it''s' AND m = 'it\\'s' -- why\n;",
        "SELECT a FROM t WHERE n = ? AND m = ?",
    ),
    ("SELECT /* app:web */ a\n FROM t", "SELECT a FROM t"),
    ("SELECT a FROM t WHERE x = -1 AND y - 1 > +2", "SELECT a FROM t WHERE x = ? AND y - ? > ?"),
    (
        "SELECT 1.5e-3, .5, 0xFF, x'ab', E'a\\'b', N'x', 1_000, TRUE",
        "SELECT ?, ?, ?, ?, ?, ?, ?, ?",
    ),
    ("SELECT $$it's$$, $tag$ $$ $tag$", "SELECT ?, ?"),
    ("WHERE a IS NOT TRUE AND b = false", "WHERE a IS NOT TRUE AND b = ?"),
    (
        "a = %s, b = %(name)s, c = ?, d = $1, e = :name, f = @p1, g = ?2",
        "a = ?, b = ?, c = ?, d = ?, e = ?, f = ?, g = ?",
    ),
    ("SELECT table1.a2 FROM table1, t2x", "SELECT table1.a2 FROM table1, t2x"),
    (
        'SELECT "t"."Case", `u`.`v` FROM [dbo].[Order Details] AS [o]',
        'SELECT "t"."Case", `u`.`v` FROM [dbo].[Order Details] AS [o]',
    ),
    ('SELECT `a` FROM `t` WHERE `n` = "O\'Neil"', "SELECT `a` FROM `t` WHERE `n` = ?"),
    ('SELECT a FROM t WHERE n = "bob@x.com"', "SELECT a FROM t WHERE n = ?"),
    ("a IN (1, 2, 3) AND b IN ( %s )", "a IN (?) AND b IN (?)"),
    ("(a, b) IN ((1, 'x'), (2, NULL))", "(a, b) IN (?)"),
    ("a IN ($1::INTEGER, $2::TIMESTAMP WITHOUT TIME ZONE)", "a IN (?)"),
    ("a IN (SELECT b FROM t WHERE c IN (1, 2))", "a IN (SELECT b FROM t WHERE c IN (?))"),
    ("a = ANY(ARRAY[1, 2, 3]::int[])", "a = ANY (ARRAY[?]::int[])"),
    ("INSERT INTO t(a,b) VALUES (1,'x'),(2,DEFAULT)", "INSERT INTO t (a, b) VALUES (?)"),
    (
        "INSERT INTO t (a) VALUES (now(), 1), (now(), 2) RETURNING id",
        "INSERT INTO t (a) VALUES (NOW(), ?) RETURNING id",
    ),
    ("... ON DUPLICATE KEY UPDATE a = VALUES(a)", "… ON DUPLICATE KEY UPDATE a = VALUES (a)"),
    ("x LIKE %s ESCAPE '\\' AND y = 'a'", "x LIKE ? ESCAPE ? AND y = ?"),
    ("data->>'k' = 'v' AND tags ?| array['a', 'b']", "data ->> ? = ? AND tags ?| ARRAY[?]"),
    ("SAVEPOINT s281473_x12", "SAVEPOINT ?"),
    ('ROLLBACK TO SAVEPOINT "s281473_x12"', "ROLLBACK TO SAVEPOINT ?"),
    ("RELEASE SAVEPOINT sa_savepoint_1;", "RELEASE SAVEPOINT ?"),
    ('FETCH FORWARD 100 FROM "_django_curs_1_sync_2"', "FETCH FORWARD ? FROM ?"),
    ("SELECT * FROM tmp_orders_20240101", "SELECT * FROM ?"),
    ("SELECT temp_1, temp_2 FROM readings2", "SELECT temp_1, temp_2 FROM readings2"),
    (
        '{"find": "books", "filter": {"_id": "abc", "n": {"$in": [1, 2]}}}',
        '{"find": "books", "filter": {"_id": ?, "n": {"$in": [?]}}}',
    ),
    ("GET 'user:123'", "GET ?"),
    ("password = '[Filtered]' AND b = [Filtered]", "password = ? AND b = ?"),
    (
        "UPDATE t SET p = CASE WHEN id = 1 THEN 2 WHEN id = 3 THEN 4 ELSE p END WHERE id IN (1, 2)",
        "UPDATE t SET p = CASE WHEN id = ? THEN ? ELSE p END WHERE id IN (?)",
    ),
    (
        "SET p = CASE id WHEN 1 THEN 2 WHEN 3 THEN 4 END, q = CASE WHEN a THEN 5 WHEN b THEN 1 END",
        "SET p = CASE id WHEN ? THEN ? END, q = CASE WHEN a THEN ? WHEN b THEN ? END",
    ),
    ("WHERE (a = 1 OR a = 2 OR a = 3) AND x = 1", "WHERE (a = ?) AND x = ?"),
    ("WHERE a = 1 OR a = 2 ORDER BY x", "WHERE a = ? ORDER BY x"),
    ("WHERE ((a = $1) OR (a = $2)) OR (a = $3)", "WHERE (a = ?)"),
    ("WHERE ((a = 1 AND b = 2) OR (a = 3 AND b = 4))", "WHERE (a = ? AND b = ?)"),
    ("WHERE x = 1 AND a = 1 OR a = 2", "WHERE x = ? AND a = ? OR a = ?"),
    ("WHERE a = 1 OR b = 2 OR a = 3 OR b = 4", "WHERE a = ? OR b = ?"),
    ("WHERE a LIKE 'x%' OR a LIKE 'y%'", "WHERE a LIKE ?"),
    ("ORDER BY FIELD(id, 3, 1, 2), x", "ORDER BY FIELD(id, ?), x"),
    ("SELECT substr(a, 1, 2)", "SELECT substr(a, ?, ?)"),
    ("SELECT 1 AS a UNION ALL SELECT 2 AS a UNION ALL SELECT 3 AS a", "SELECT ? AS a"),
    ("DELETE FROM t WHERE b = 2; DELETE FROM t WHERE b = 4;", "DELETE FROM t WHERE b = ?"),
    ("INSERT INTO t VALUES ROW(1, 2), ROW(3, 4)", "INSERT INTO t VALUES ROW(?, ?)"),
    (
        "INSERT ALL INTO t (a) VALUES (1) INTO t (a) VALUES (2) SELECT 1 FROM dual",
        "INSERT ALL INTO t (a) VALUES (?) SELECT ? FROM dual",
    ),
    ("", ""),
    (" ; ", ""),
]  # fmt: skip
CUT = [
    ("SELECT a FROM t WHERE id IN (1, 2, 3", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE id IN (1, 2, ...", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE id IN (%(id_1)s, %(id_", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE id IN (%s, %", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE id IN ((1, 2), (3", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE id IN (1, NUL", "SELECT a FROM t WHERE id IN (?)"),
    ("SELECT a FROM t WHERE n = 'some te", "SELECT a FROM t WHERE n = ?"),
    ("SELECT a FROM t WHERE n = $$some te", "SELECT a FROM t WHERE n = ?"),
    ("SELECT a FROM t /* some te", "SELECT a FROM t"),
    ("INSERT INTO t (a) VALUES (1, 2), (3", "INSERT INTO t (a) VALUES (?)"),
    ("INSERT INTO t (a) VALUES (1, 'x", "INSERT INTO t (a) VALUES (?)"),
    ("INSERT INTO t (a) VALUES (1), …", "INSERT INTO t (a) VALUES (?)"),
    ("INSERT INTO t (a) VALUES (now(), 1), (no", "INSERT INTO t (a) VALUES (NOW(), ?)"),
    ("SELECT a FROM t WHERE book = 1 OR book = 2 OR boo", "SELECT a FROM t WHERE book = ?"),
    ("SET a = CASE WHEN b = 1 THEN 2 WHEN b = 3 TH", "SET a = CASE WHEN b = ? THEN ?"),
]


@pytest.mark.parametrize(("sql", "normal"), SAME + CUT)
def test_normal_forms(sql, normal):
    assert normalise(sql) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    ("sql", "does", "to", "kind"),
    [
        ("SELECT a FROM b, c JOIN d ON e = f", "SELECT", ("b", "c", "d"), "reads"),
        ('select x from "Shop".book for update', "SELECT", ("Shop.book",), "reads"),
        ("INSERT INTO a (b) SELECT c FROM d", "INSERT", ("a", "d"), "writes"),
        ("UPDATE a SET b = 1 FROM c", "UPDATE", ("a", "c"), "writes"),
        ("DELETE FROM a WHERE b IS DISTINCT FROM c", "DELETE", ("a",), "writes"),
        ("WITH a AS (SELECT b FROM c) SELECT d FROM a", "SELECT", ("c",), "reads"),
        ("WITH a (b) AS (DELETE FROM c) SELECT b FROM a", "SELECT", ("c",), "writes"),
        ("WITH a AS (UPDATE c SET d = 1 RETURNING d) SELECT d FROM a", "SELECT", ("c",), "writes"),
        ("WITH a AS (SELECT 1) INSERT INTO c SELECT d FROM a", "INSERT", ("c",), "writes"),
        ("(SELECT a FROM b) UNION (SELECT a FROM c)", "SELECT", ("b", "c"), "reads"),
        ("SELECT extract(year FROM a) FROM unnest(b)", "SELECT", (), "reads"),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET c = 1", "INSERT", ("a",), "writes"),
        ('{"find": "books"}', "FIND", (), "reads"),
        ('{"update": "books"}', "UPDATE", (), "writes"),
        ("COMMIT", "COMMIT", (), ""),
        ("SAVEPOINT a1", "SAVEPOINT", (), ""),
    ],
)  # fmt: skip
def test_what_a_statement_does_and_to_which_tables(sql, does, to, kind):
    normal = normalise(sql)
    writes = re.search(WRITES, normal)
    found = "writes" if writes else "reads" if re.search(READS, normal) else ""
    assert (verb(normal), tables(normal), found) == (does, to, kind)


@pytest.mark.parametrize(
    ("statement", "title"),
    [
        ("SELECT a, b FROM c", "SELECT a, b FROM c"),
        (
            "SELECT book.id, book.title, (SELECT SUM(a) FROM sale) AS sales FROM book WHERE a = ?",
            "SELECT … FROM book WHERE a = ?",
        ),
        ("INSERT INTO book (title, author) VALUES (?)", "INSERT INTO book (…) VALUES (?)"),
        (f"SELECT {'a' * 300}", f"SELECT {'a' * 152}…"),
    ],
)
def test_titles_leave_lists_of_columns_out(statement, title):
    assert shortened(statement) == title


names = st.sampled_from(["book", "author_2", "t1", '"Order"', "`item`", "[Line Item]", "shop.sale"])
operators = st.sampled_from(["=", "<>", "<", ">=", "LIKE", "||", "->>", "@>"])
numbers = st.integers(0, 10**12).map(str) | st.decimals(0, 9999, places=3).map(str)
strings = st.text(st.characters(exclude_characters="'\\", exclude_categories=["Cs"])).map(
    lambda text: f"'{text}'"
)
literals = numbers | strings | st.sampled_from(["-1", "0xff", "1e5", "TRUE", "''", "$$it's$$"])
placeholders = st.sampled_from(["%s", "%(a_1)s", "?", "$12", ":name", "@p0", "?3"])
spaces = st.sampled_from([" ", "\n", "\t  ", " /* tag='x' */ ", " -- note\n", "/**/ "])


@st.composite
def shapes(draw):
    """A statement without its values and spaces: a function of these."""
    column, table = draw(names), draw(names)
    one, other = draw(operators), draw(operators)
    verb_ = draw(st.sampled_from(["SELECT", "select", "DELETE", "UPDATE"]))
    kind = verb_.upper()
    head = {
        "SELECT": [verb_, column, "FROM", table],
        "DELETE": [verb_, "FROM", table],
        "UPDATE": [verb_, table, "SET", column, "=", None],
    }[kind]
    where = ["WHERE", column, one, None, "AND", "b", other, None, "AND", "c", "IN", "(", list, ")"]
    return [*head, *where]


def written(shape, value, space, length):
    """The statement with `value()` for each value, `space()` between words."""
    words = []
    for word in shape:
        if word is list:
            words += ",|".join(value() for _ in range(length)).split("|")
        else:
            words.append(value() if word is None else word)
    return "".join(f"{word}{space()}" for word in words)


@given(shapes(), st.data())
@settings(deadline=None)
def test_values_placeholders_spaces_comments_and_lengths_of_lists_make_no_difference(shape, data):
    plain = written(shape, lambda: "?", lambda: " ", 1)
    length = data.draw(st.integers(1, 20))
    same = written(
        shape,
        lambda: data.draw(literals | placeholders),
        lambda: data.draw(spaces),
        length,
    )
    assert normalise(same) == normalise(plain)


@given(shapes(), shapes())
@settings(deadline=None)
def test_other_tables_columns_and_operators_do(one, other):
    plain = [written(shape, lambda: "?", lambda: " ", 1) for shape in (one, other)]
    is_same = one[0].upper() == other[0].upper() and one[1:] == other[1:]
    assert (normalise(plain[0]) == normalise(plain[1])) == is_same


@given(st.integers(1, 200), st.integers(1, 10), st.randoms())
@settings(deadline=None)
def test_rows_of_values_are_one(rows, columns, chance):
    row = ", ".join(
        chance.choice(["1", "%s", "'x, y'", "NULL", "DEFAULT", "-2.5"]) for _ in range(columns)
    )
    whole = f"INSERT INTO t (a) VALUES {', '.join([f'({row})'] * rows)}"
    assert normalise(whole) == "INSERT INTO t (a) VALUES (?)"
    assert normalise(whole[: len(whole) - 1]) == "INSERT INTO t (a) VALUES (?)"


@given(st.integers(1, 60), st.integers(1, 60))
@settings(deadline=None)
def test_the_length_of_a_chain_makes_no_difference(one, two):
    def statement(length):
        whens = " ".join(f"WHEN id = {n} THEN 'v{n}'" for n in range(length))
        ors = " OR ".join(f"(a = {n} AND b = 'x')" for n in range(length))
        return f"UPDATE t SET c = CASE {whens} END WHERE {ors} ORDER BY FIELD(id, {'1,' * length}1)"

    assert normalise(statement(one)) == normalise(statement(two))


PIECES = [
    *"()[]{},;.:+-*=<>%$@#?'\"`\\", " ", "\n", "::", "||", "?|", "...", "…", "/*", "*/", "--", "$$",
    "SELECT", "from", "IN", "VALUES", "INTO", "IS", "NULL", "true", "end", "date", "ARRAY", "LIKE",
    "ESCAPE", "SAVEPOINT", "ROLLBACK", "TO", "FETCH", "tmp_1", "a", "t.a", "a.*", "_x", "x'", "e'",
    "OR", "CASE", "WHEN", "END", "UNION", "ALL", "FIELD(", "ROW(",
    "1", "1.", "1.0x", "0x", "1e", "5a", "%s", "%(a", ":a", "$1", "@a", "'a'", '"a"', '"a b"',
    "`a`", "[a b]", '"find"',
]  # fmt: skip


@example("?|OR''OR")
@example("?|OR''OR''OR?|")
@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join) | st.text())
@settings(deadline=None, max_examples=300)
def test_any_text_has_a_normal_form_that_is_its_own(text):
    normal = normalise(text)
    assert normalise(normal) == normal
    assert isinstance(verb(normal), str)
    assert isinstance(tables(normal), tuple)
    assert len(shortened(normal, 80)) <= 80


@pytest.mark.parametrize(
    "piece",
    ["(", "'a", '"a', "$a", "IN (", "VALUES (1),", "VALUES (a", "[", "%(a", "/*", "- ", "_x", "x'",
     "\\", " ", "ESCAPE ", "'\\' ", "a OR ", "CASE WHEN ", "(a OR ", "FIELD(",
     "FROM tmp_", '{"a":'],
)  # fmt: skip
def test_a_long_text_of_anything_costs_its_length(piece):
    """Were the cost the square of the length, most of these would take minutes."""
    began = time.process_time()
    normalise(piece * (200_000 // len(piece)))
    assert time.process_time() - began < 20


def test_a_large_list_in_the_middle_is_one():
    ids = ", ".join(str(random.randrange(10**9)) for _ in range(50_000))
    assert normalise(f"SELECT a FROM t WHERE a IN ({ids}) LIMIT 3") == (
        "SELECT a FROM t WHERE a IN (?) LIMIT ?"
    )
