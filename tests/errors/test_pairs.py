"""Pairs of events of twenty platforms: how many grouping tells rightly, by round."""

import pytest

from tests.errors.pairs.measure import ROUNDS, measured
from tests.errors.pairs.pair import pairs


@pytest.mark.parametrize("title", ROUNDS)
def test_pairs_are_told_rightly(title):
    result = measured(pairs(title))
    assert (result.split, result.merged) == ([], [])
