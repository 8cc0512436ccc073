"""SQL laid out to be read says what it said before."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.performance.statements.layout import laid_out

WORDS = st.lists(
    st.sampled_from(["SELECT", "a", "FROM", "t", "WHERE", "AND", "OR", "b = 'x  AND y'", "(", ")",
                     "BETWEEN", "1", "LEFT JOIN", "ON", "-- note", "\n", "'", '"', "%s"])
)  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT a FROM t WHERE b = 1", "SELECT a\nFROM t\nWHERE b = 1"),
        ("select a from t where b='x AND y' and c", "select a\nfrom t\nwhere b='x AND y'\n  and c"),
        ("SELECT 1 WHERE a BETWEEN 1 AND 2 OR b", "SELECT 1\nWHERE a BETWEEN 1 AND 2\n  OR b"),
        ("UPDATE t\n   SET a = 1", "UPDATE t\nSET a = 1"),
        ("SELECT a FROM t LEFT  OUTER JOIN u ON u.id = t.id",
         "SELECT a\nFROM t\nLEFT OUTER JOIN u\n  ON u.id = t.id"),
        ("PRAGMA foreign_keys", "PRAGMA foreign_keys"),
        ("", ""),
    ],
)  # fmt: skip
def test_clauses_stand_on_lines_of_their_own(sql, shown):
    assert laid_out(sql) == shown


@given(WORDS)
def test_nothing_is_added_or_lost_but_white_space(words):
    sql = " ".join(words)
    assert re.sub(r"\s", "", laid_out(sql)) == re.sub(r"\s", "", sql)
