"""Work on what a stranger sends is bounded, whichever field the text stands in."""

import gc
import json
import re
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import zstandard

from console.ingest import digest as digesting
from console.ingest.counts import Records
from console.ingest.decoding import decode_row
from console.ingest.people import People
from console.ingest.received import received
from console.ingest.scrub_rules import ScrubRules
from console.ingest.spool import SpoolRow
from tests.ingest.hostile import KINDS, UNITS
from tests.support.crawl import kind_of

AT = datetime(2026, 11, 23, 19, 21, tzinfo=UTC)  # when the records were captured
SECONDS = 1.0  # of processor time for a record, of which most take some hundredths
SCRUBBED_SECONDS = 4.0  # test_scrub.py has the texts that hurt the scrubber itself
PAGE_SECONDS = 2.0  # of which the slowest takes 0.3
SHOWN = "ORDER BY a, '\\(0 "
PAGES = 2  # of a kind


def row(kind: str, body: bytes, organization_id: int = 1, project_id: int = 1) -> SpoolRow:
    return SpoolRow(
        organization_id=organization_id,
        project_id=project_id,
        key_id=1,
        received_at=AT,
        kind=kind,
        body=body,
    )


@pytest.mark.parametrize("unit", UNITS)
def test_a_text_of_64_kb_in_any_field_is_decoded_at_once(unit):
    assert decoded(unit, ScrubRules(enabled=False, ip="keep"), SECONDS) > 10


@pytest.mark.parametrize("unit", ["SELECT ", "a"])
def test_scrubbing_it_is_bounded_as_well(unit):
    assert decoded(unit, ScrubRules(names=("kundennummer",)), SCRUBBED_SECONDS) > 10


def decoded(unit: str, rules: ScrubRules, limit: float) -> int:
    """How many records came of all kinds of requests, none of which took longer than the limit."""
    found = 0
    for kind, make in KINDS.items():
        for number, body in enumerate(make(unit)):
            records, spent = timed(kind, body, rules)
            if spent >= limit:  # what the body costs, it costs again; a collection it does not
                records, spent = timed(kind, body, rules)
            assert spent < limit, f"{kind} {number}"
            found += len(records.batch)
    return found


def timed(kind: str, body: bytes, rules: ScrubRules) -> tuple[Records, float]:
    """The records of a body and the seconds of processor time that decoding it takes.

    The garbage that thousands of other tests left in this process is not collected meanwhile.
    """
    gc.disable()
    try:
        began = time.thread_time()
        sent = row(kind, body)
        records = digesting.records_of(sent, decode_row(received(sent, People()), rules))
        return records, time.thread_time() - began
    finally:
        gc.enable()


IMAGE = {"image_addr": "0x1", "image_size": 10**9, "code_file": "/opt/" * 3_000}
LENT = {"id": 1, "stacktrace": {"frames": [{"function": "f", "vars": {"a": "x" * 9_000}}] * 20}}
AT_ADDRESSES = [{"instruction_addr": f"0x{address:x}"} for address in range(1, 300)]


@pytest.mark.parametrize(
    "event",
    [
        {"exception": [{"type": "A", "thread_id": 1}] * 50, "threads": [LENT]},
        {
            "exception": [{"type": "A", "stacktrace": {"frames": AT_ADDRESSES}}] * 50,
            "debug_meta": {"images": [IMAGE]},
        },
    ],
    ids=["a stack that fifty exceptions take", "a path that each frame takes"],
)
def test_no_event_grows_by_what_its_parts_take_from_each_other(event):
    payload = json.dumps(event)
    body = f'{{}}\n{{"type": "event", "length": {len(payload)}}}\n{payload}'.encode()
    records, _ = timed("sentry.envelope", body, ScrubRules(enabled=False))
    (error,) = records.batch.of("errors")
    assert len(zstandard.decompress(error.body)) < 20 * len(payload)


def test_pages_that_show_it_are_quick(app, acme, as_alice, waiting, digest, clock):
    clock.set(AT + timedelta(minutes=1))
    for kind, make in KINDS.items():
        for body in make(SHOWN):
            waiting.append(row(kind, body, acme.organization_id, acme.id))
    digest.drain()
    adapter = app.url_map.bind("localhost")
    queue, seen, shown = deque(["/acme/shop/"]), set[str](), Counter[str]()
    while queue:
        url = queue.popleft()
        page = kind_of(url, adapter)
        if page is None or url in seen or shown[page] == PAGES:
            continue
        began = time.process_time()
        answer = as_alice.get(url)
        spent = time.process_time() - began
        assert spent < PAGE_SECONDS, url
        assert answer.status_code < 500, url
        shown[page] += 1
        seen.add(url)
        links = re.findall(r'(?:href|hx-get)="(/[^"#]*)', answer.text)
        queue.extend(map(unescape, links))
    assert {"errors-inbox", "errors-event", "errors-raw", "performance-statement"} <= set(shown)
