import re
import threading
from datetime import UTC, datetime

import pytest

from console.ingest import protocols
from console.ingest.protocol import ItemHead
from console.ingest.quota import Quotas

EVENT, TRANSACTION = ItemHead("event", 100, 1), ItemHead("transaction", 100, 1)
REPORT = ItemHead("client_report", 100, 1)
# develop.sentry.dev, "Rate Limiting": seconds:categories:scope:reason, joined by commas
GRAMMAR = re.compile(r"\d+:[a-z_]*(;[a-z_]+)*:[a-z]+:[a-z_]+(,.*)?")


@pytest.fixture
def quotas(clock) -> Quotas:
    clock.set(datetime(2026, 11, 23, 18, 20, 15, tzinfo=UTC))
    return Quotas(default=0)


def admitted(quotas: Quotas, quota: int | None, *heads: ItemHead, key: int = 1) -> int:
    return sum(quotas.rule(key, quota, heads).admitted)


def test_no_quota_admits_everything_and_announces_nothing(quotas):
    ruling = quotas.rule(1, None, [EVENT] * 1000)
    assert all(ruling.admitted)
    assert ruling.headers == {}


def test_a_quota_of_ten_admits_ten_a_minute(quotas, clock):
    assert sum(admitted(quotas, 10, EVENT) for _ in range(30)) == 10
    clock.move(seconds=44)
    assert admitted(quotas, 10, EVENT) == 0
    clock.move(seconds=1)
    assert sum(admitted(quotas, 10, EVENT) for _ in range(30)) == 10


def test_one_envelope_of_many_items_takes_what_is_left(quotas):
    assert admitted(quotas, 10, *[EVENT] * 4) == 4
    assert quotas.rule(1, 10, [EVENT] * 8).admitted == [True] * 6 + [False] * 2


def test_a_container_counts_what_it_holds_and_is_taken_whole(quotas):
    container = ItemHead("span", 9000, 80)
    assert admitted(quotas, 100, container, container) == 2
    assert admitted(quotas, 100, container) == 0


def test_categories_and_keys_have_their_own_counts(quotas):
    assert admitted(quotas, 1, TRANSACTION) == 1
    assert quotas.rule(1, 1, [TRANSACTION, EVENT]).admitted == [False, True]
    assert admitted(quotas, 1, TRANSACTION, key=2) == 1


def test_a_client_report_always_gets_through(quotas):
    assert admitted(quotas, 1, EVENT, EVENT, REPORT) == 2
    assert quotas.rule(1, 1, [REPORT]).headers == {}


def test_a_key_without_a_quota_has_the_default_with_more_room_for_small_records(clock):
    quotas = Quotas(default=3)
    assert sum(admitted(quotas, None, EVENT) for _ in range(10)) == 3
    assert sum(admitted(quotas, None, ItemHead("span", 9, 1)) for _ in range(50)) == 30
    assert sum(admitted(quotas, 5, EVENT, key=2) for _ in range(10)) == 5
    assert sum(admitted(quotas, 0, EVENT, key=3) for _ in range(10)) == 10, "0 is no limit"


def test_the_header_names_the_category_and_the_rest_of_the_minute(quotas):
    quotas.rule(1, 1, [EVENT])
    limits = quotas.rule(1, 1, [EVENT, TRANSACTION]).headers["X-Sentry-Rate-Limits"]
    assert limits == "45:error;transaction:key:quota"
    assert GRAMMAR.fullmatch(limits)


def test_the_last_item_that_fits_already_announces_the_limit(quotas):
    assert quotas.rule(1, 2, [EVENT]).headers == {}
    assert quotas.rule(1, 2, [EVENT]).headers == {"X-Sentry-Rate-Limits": "45:error:key:quota"}


def test_threads_never_admit_more_than_the_quota(quotas):
    taken: list[int] = []

    def send() -> None:
        taken.append(sum(admitted(quotas, 500, EVENT) for _ in range(200)))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 500


@pytest.mark.parametrize(
    ("item_type", "expected"),
    [("event", "error"), ("sessions", "session"), ("log", "log_item"), ("nonsense", "default")],
)
def test_categories_are_the_ones_that_sdks_know(item_type, expected):
    assert protocols.item_type(item_type).category.name == expected
