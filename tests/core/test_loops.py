"""Coroutines for callers that are none."""

import asyncio

import pytest

from console.core.loops import finished
from tests.support.loops import finished as elsewhere


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def fail() -> None:
    raise LookupError("no answer")


def test_a_coroutine_is_finished():
    assert finished(answer()) == 42
    with pytest.raises(LookupError, match="no answer"):
        finished(fail())


def test_it_is_where_a_loop_runs_already():
    async def embedded() -> int:
        return finished(answer())

    assert elsewhere(embedded()) == 42
