"""How often digest commits: few rows together, many at once, and nobody waits long."""

import time

import pytest

from console.ingest import pipeline as pipelines
from tests.ingest.conftest import error
from tests.support.waiting import until


@pytest.fixture
def running(digest):
    digest.start()
    yield digest
    digest.stop()


def test_the_first_is_digested_at_once_and_the_next_few_together(
    acme, accepted, running, stored, monkeypatch
):
    monkeypatch.setattr(pipelines, "LONGEST_WAIT", 3.0)
    accepted(acme, error())
    until(stored(acme).issues, "the first event", seconds=2)
    for number in range(5):
        accepted(acme, error(f"Error{number}"))
        time.sleep(0.05)  # each is of a moment of its own, as a trickle is
    until(lambda: len(stored(acme).issues()) == 6, "the other events", seconds=10)
    assert len(running._recent) <= 3, "one batch for the first, one or two for the others"


def test_many_do_not_wait_for_more(acme, accepted, running, stored, monkeypatch):
    monkeypatch.setattr(pipelines, "LONGEST_WAIT", 600.0)
    accepted(acme, error("Before"))
    until(stored(acme).issues, "the first event", seconds=5)
    for _ in range(pipelines.WORTHWHILE_ROWS):
        accepted(acme, error("After"))
    until(lambda: len(stored(acme).issues()) == 2, "the batch that is worth it", seconds=20)
