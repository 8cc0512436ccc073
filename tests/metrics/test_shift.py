"""Which value of a dimension moved most between two times."""

import pytest

from console.metrics.catalogue import CATALOGUE
from console.metrics.shift import most_moved
from console.telemetry import store
from console.telemetry.measures import CannotAskError
from console.telemetry.records import Batch
from tests.telemetry.samples import hour, scope, span


@pytest.fixture
def two_hours(app, acme, inside):
    """An hour of ten requests on each of two servers, then one with thirty on the second."""
    counts = [(0, "web-1", 10), (0, "web-2", 10), (1, "web-1", 10), (1, "web-2", 30)]
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    spans = [
        span(
            1,
            **own,
            timestamp=hour(at),
            server_name=server,
            endpoint="GET /a",
            span_id=f"{at}{server[-1]}{number:014x}",
            category="request",
        )
        for at, server, count in counts
        for number in range(count)
    ]
    with inside(acme):
        store.current().write(acme.organization_id, Batch(spans=spans), 1)
        yield [
            scope(acme.organization_id, acme.id, since=hour(at), until=hour(at + 1))
            for at in (0, 1)
        ]


def test_the_value_whose_share_moved_most_is_named(two_hours):
    before, now = two_hours
    moved = most_moved(CATALOGUE["requests.count"], now, before, where={"endpoint": ["GET /a"]})
    assert moved
    assert (moved.dimension, moved.before, moved.now) == ("server", 0.5, 0.75)
    assert moved.value == "web-2", "of two that moved as far, the one that grew"


def test_a_dimension_with_one_value_is_not_asked_for(two_hours):
    before, now = two_hours
    metric = CATALOGUE["requests.count"]
    assert most_moved(metric, now, before, fixed=["server"]) is None
    with pytest.raises(CannotAskError):
        most_moved(metric, now, before, where={"password": "x"})
