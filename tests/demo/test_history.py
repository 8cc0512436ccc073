"""The demonstration's past: recorded from the real shop, and sent as if it had happened then."""

import json
from datetime import datetime, timedelta

import pytest

from console.core import clock
from demo import history

pytestmark = pytest.mark.slow
DAYS = 4


def test_the_past_arrives_in_the_past_and_is_stored_whole(server):
    project = server.project()
    sent = history.send(project.dsn, days=DAYS, per_day=60, visits=1)
    while json.loads(server.run("status", "--json"))["spool"]["rows"]:
        pass
    counted = project.wait_for(span=1)
    assert sum(counted.values()) >= sent
    assert {outcome for _, outcome in counted} <= {"stored", "ignored"}
    issues = project.issues()
    assert len(issues) >= 6
    oldest = min(datetime.fromisoformat(issue["first_seen"]) for issue in issues)
    assert timedelta(days=1) < clock.now() - oldest <= timedelta(days=DAYS)
    told = {release for _, release in history.RELEASES}
    assert {issue["first_release"] for issue in issues} <= told
    assert max(issue["users"] for issue in issues) > 1
