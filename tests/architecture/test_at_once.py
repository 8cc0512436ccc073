"""Cases that share a test are all tried, and each that fails is named."""

import inspect

import pytest

from tests.support.at_once import at_once

TRIED: list[tuple[str, int]] = []


@at_once(("word", "length"), [("lamp", 4), ("oil", 4), ("ship", 4), ("sea", 1)])
def lengths(base, word, length):
    TRIED.append((word, length))
    assert len(word) == length, base


def test_every_case_is_tried_and_those_that_fail_are_named():
    assert [*inspect.signature(lengths).parameters] == ["base"]
    with pytest.raises(AssertionError, match="2 of 4 cases") as failed:
        lengths(base="letters")
    assert TRIED == [("lamp", 4), ("oil", 4), ("ship", 4), ("sea", 1)]
    assert "{'word': 'oil', 'length': 4}: AssertionError: letters" in str(failed.value)
    assert "'sea'" in str(failed.value)
    assert "'lamp'" not in str(failed.value)


def test_without_cases_nothing_passes():
    with pytest.raises(AssertionError, match="there are cases"):
        at_once("base", [])(lengths)()


@at_once("number", [1, 2])
def test_a_fixture_is_the_same_for_all_cases(tmp_path, number):
    (tmp_path / str(number)).touch()
    assert len([*tmp_path.iterdir()]) == number
