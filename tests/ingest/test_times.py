"""The times that clients send: how they are read, and by whose clock they are."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ingest.corpus.reading import event

RECEIVED = datetime(2026, 11, 23, 19, 21, tzinfo=UTC)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_time_is_read_in_seconds_and_their_fractions(scale, as_text):
    happened = datetime(2026, 11, 23, 19, 20, tzinfo=UTC)
    value = int(happened.timestamp() * scale)
    found = event({"message": "x", "timestamp": str(value) if as_text else value})
    assert datetime.fromisoformat(found["timestamp"]) == happened


def test_breadcrumbs_have_the_clock_of_their_event():
    happened = datetime(2026, 11, 23, 19, 20, tzinfo=UTC)
    ahead = (happened + timedelta(hours=2)).timestamp()
    crumbs = [ahead - 5, str(ahead - 4), (ahead - 3) * 1000, "soon", None]
    found = event(
        {"message": "x", "timestamp": ahead, "breadcrumbs": [{"timestamp": at} for at in crumbs]},
        {"sent_at": (RECEIVED + timedelta(hours=2)).isoformat()},
    )
    assert [crumb["timestamp"] for crumb in found["breadcrumbs"]["values"]] == [
        "2026-11-23T19:19:55Z",
        "2026-11-23T19:19:56Z",
        "2026-11-23T19:19:57Z",
        "soon",
        None,
    ]
