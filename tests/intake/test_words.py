"""Intake names what was sent as people do, and leads to it."""

from console.core import clock
from console.core.db import db
from console.intake.ledger import LOST_BY_CLIENT, STORED, Count, record


def test_types_and_reasons_are_in_words_and_what_is_stored_is_a_click_away(as_vic, acme, inside):
    with inside(acme):
        counts = [
            Count(acme.id, "span", STORED, "", 12, clock.now()),
            Count(acme.id, "transaction", LOST_BY_CLIENT, "sample_rate", 3, clock.now()),
            Count(acme.id, "some_item", LOST_BY_CLIENT, "solar_flare", 1, clock.now()),
        ]
        record(counts)
        db.session.commit()
    page = as_vic.get("/acme/shop/intake?range=24h").text
    assert '<span title="span">Spans</span>' in page
    assert '<a href="/acme/shop/performance/traces/?range=24h">12</a>' in page
    assert '<span title="sample_rate">Sampled out</span>' in page
    assert page.count('/performance/traces/?range=24h">3<') == 0, "what was lost is not there"
    assert '<span title="some_item">some_item</span>' in page
    assert '<span title="solar_flare">solar_flare</span>' in page
