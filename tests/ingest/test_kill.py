from collections import Counter
from dataclasses import replace

import pytest

from tests.ingest.killed import killed_under_load
from tests.support.factories import public_key

ROUNDS = 20


@pytest.mark.slow
def test_kill_9_under_load_loses_and_duplicates_nothing(
    both_databases, settings, app, acme, digest, waiting, stored, capsys
):
    key = public_key(app, acme)
    waiting.close()
    acknowledged = [
        event_id
        for number in range(ROUNDS)
        for event_id in killed_under_load(replace(settings, decoders=str(number % 2)), acme.id, key)
    ]
    digest.drain()
    # A row that two of the kills met alone is blamed for them: a dead letter, and kept as one.
    blamed = waiting.retry(acme.organization_id, acme.id)
    digest.drain()
    found = Counter(stored(acme).events())
    lost = [event_id for event_id in acknowledged if event_id not in found]
    twice = [event_id for event_id, times in found.items() if times > 1]
    with capsys.disabled():
        print(
            f"\n{both_databases}: {len(lost)} lost, {len(twice)} duplicated"
            f" of {len(acknowledged)} acknowledged in {ROUNDS} kills, {blamed} dead letters retried"
        )
    assert (lost, twice) == ([], [])
    assert len(acknowledged) > ROUNDS
    assert sum(stored(acme).issues().values()) == len(found)
    assert stored(acme).ledger() == {("event", "stored", ""): len(found)}
