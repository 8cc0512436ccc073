"""The beacon's way from the page to the store: what is kept, refused and counted."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from console.accounts.models import Key
from console.core.db import db
from console.ingest.beacon import page_load as beacon
from console.ingest.beacon.protocol import BODY_LIMIT
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import Context
from console.ingest.scrub import scrubber
from console.ingest.scrub_rules import ScrubRules
from console.telemetry.tables import page_load
from tests.telemetry.samples import NOON

PAGE = {"id": "a" * 16, "path": "/orders/7?token=planted#x"}
LCP = {
    "n": "LCP",
    "v": 1920.5,
    "id": "v5-1",
    "a": {
        "target": "#hero",
        "url": "https://shop.test/hero.png?sig=planted",
        "timeToFirstByte": 80.0,
        "resourceLoadDelay": 20.0,
        "resourceLoadDuration": 1700.5,
        "elementRenderDelay": 120.0,
    },
}


@pytest.fixture
def beam(client, acme, key, waiting):
    """Post a beacon as a page does: text, its key in the body."""

    def post(*metrics, headers=None, raw=None, **fields):
        body = {"v": 1, "key": key, "page": PAGE, "dev": "mobile", "rel": "shop@1", "env": "live"}
        body |= {"m": list(metrics)} | fields
        return client.post(
            f"/api/{acme.id}/beacon/",
            data=json.dumps(body) if raw is None else raw,
            headers={"Content-Type": "text/plain;charset=UTF-8"} | (headers or {}),
        )

    return post


def test_a_page_load_is_stored_with_what_made_its_vitals(beam, digest, acme, stored):
    answer = beam(LCP, {"n": "CLS", "v": 0.05, "id": "v5-2"}, nav="navigate")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    digest.drain()
    (row,) = stored(acme).rows(page_load)
    assert (row.page, row.path, row.device, row.release) == (
        "/orders/{id}", "/orders/7", "mobile", "shop@1",
    )  # fmt: skip
    assert (row.lcp, row.cls, row.inp) == (1920.5, 0.05, None)
    assert row.attribution["lcp.target"] == "#hero"
    assert row.attribution["lcp.url"] == "https://shop.test/hero.png"
    parts = ("ttfb", "load_delay", "load_duration", "render_delay")
    assert sum(row.attribution[f"lcp.{part}"] for part in parts) == 1920.5
    assert stored(acme).ledger() == {("web_vital", "stored", ""): 2}
    assert "planted" not in str(row)


def test_a_metric_that_is_told_again_has_its_last_value(beam, digest, acme, stored, clock):
    for value in (0.05, 0.21, 0.33):
        beam({"n": "CLS", "v": value, "id": "v5-2"})
        clock.move(seconds=5)
    digest.drain()
    (row,) = stored(acme).rows(page_load)
    assert row.cls == 0.33


def test_the_route_that_the_page_names_counts(beam, digest, acme, stored):
    beam(LCP, page=PAGE | {"route": "/orders/:id"})
    digest.drain()
    assert [row.page for row in stored(acme).rows(page_load)] == ["/orders/:id"]


def test_what_no_page_measures_is_dropped_and_counted(beam, digest, acme, stored):
    beam(
        {"n": "LCP", "v": -1}, {"n": "INP", "v": 60_001}, {"n": "CLS", "v": 101},
        {"n": "FCP", "v": "fast"}, {"n": "FPS", "v": 60}, "noise", {"n": "TTFB", "v": 30},
    )  # fmt: skip
    digest.drain()
    (row,) = stored(acme).rows(page_load)
    assert (row.ttfb, row.lcp) == (30, None)
    assert stored(acme).ledger() == {
        ("web_vital", "stored", ""): 1,
        ("web_vital", "invalid", "undecodable"): 6,
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"key": "0" * 32}, 403),
        ({"key": "no key"}, 403),
        ({"key": None}, 401),
        ({"v": 2}, 400),
        ({"m": []}, 400),
        ({"m": [LCP] * 21}, 400),
        ({"m": "LCP"}, 400),
    ],
)
def test_what_is_refused_says_why(beam, fields, status):
    answer = beam(**({"m": [LCP]} | fields))
    assert answer.status_code == status
    assert answer.headers["X-Sentry-Error"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"1" * 20_000])
def test_a_body_that_is_no_beacon_is_refused(beam, raw):
    assert beam(raw=raw).status_code == (413 if len(raw) > BODY_LIMIT else 400)


def test_a_page_without_an_id_is_counted(beam, digest, acme, stored):
    assert beam(LCP, page={"path": "/"}).status_code == 204
    digest.drain()
    assert stored(acme).ledger() == {("web_vital", "invalid", "undecodable"): 1}


def test_the_quota_counts_metrics(beam, app, acme, inside):
    with inside(acme):
        db.session.execute(update(Key).values(quota_per_minute=2))
        db.session.commit()
    assert beam(LCP, LCP).status_code == 204
    assert beam(LCP).status_code == 429


def test_a_preflight_is_answered(client, acme):
    assert client.options(f"/api/{acme.id}/beacon/").status_code == 204


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(max_size=8)
JSON: Any = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
METRIC = st.fixed_dictionaries({"n": st.just("LCP"), "v": JSON, "a": JSON})


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(page=JSON, m=st.lists(METRIC, max_size=3))
def test_decoding_is_total(page, m):
    context = Context(
        organization_id=1,
        project_id=1,
        position=1,
        received_at=NOON + timedelta(seconds=1),
        scrubber=scrubber(ScrubRules()),
    )
    raw = json.dumps({"v": 1, "page": page, "m": m}, allow_nan=False, default=str)
    try:
        decoded = beacon.decode(raw.encode(), context)
    except Undecodable:
        return
    assert len(decoded.page_loads) <= 1
