"""A project's own scrubbing rules: kept, checked, and tried on a sample."""

import pytest
from sqlalchemy import select

from console.accounts.models import IpPolicy, MonitoringConfig
from console.core.db import db
from tests.support.clients import HTMX

PATH = "/acme/shop/settings/scrubbing"
RULES = {
    "scrub_defaults": "y",
    "scrub_keys": "basket\n\n basket \nsize",
    "scrub_patterns": r"\bcust-\d+\b",
    "scrub_safe_keys": "token_count",
    "ip_policy": "remove",
    "sample": '{"basket": "tea", "note": "cust-12 paid", "token_count": 3, "colour": "red"}',
}


def kept(inside, project) -> MonitoringConfig:
    with inside(project):
        found = db.session.scalars(select(MonitoringConfig)).one()
        db.session.expunge(found)
        return found


def test_rules_are_kept(as_ada, acme, inside):
    answer = as_ada.post(PATH, data=RULES)
    assert answer.status_code == 303
    settings = kept(inside, acme)
    assert settings.scrub_keys == ["basket", "size"]
    assert settings.scrub_patterns == [r"\bcust-\d+\b"]
    assert settings.scrub_safe_keys == ["token_count"]
    assert settings.ip_policy is IpPolicy.REMOVE
    shown = as_ada.get(PATH).text
    assert "basket\nsize</textarea>" in shown


def test_preview_tells_what_is_blanked_and_why(as_vic):
    part = as_vic.post(f"{PATH}/preview", data=RULES, headers=HTMX).text
    assert part.startswith('<form class="stack" id="scrubbing"')
    rows = part.partition('id="scrubbing-preview"')[2]
    assert "basket" in rows
    assert "note" in rows
    assert "colour" not in rows
    assert "token_count" not in rows


def test_preview_changes_nothing(as_ada, acme, inside):
    as_ada.post(f"{PATH}/preview", data=RULES)
    assert kept(inside, acme).scrub_keys == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("scrub_patterns", "(", "no RE2 pattern"),
        ("scrub_patterns", "x*", "would blank everything"),
        ("scrub_keys", "k" * 101, "longer than 100"),
        ("scrub_keys", "\n".join(f"k{n}" for n in range(201)), "At most 200 lines"),
        ("sample", "{", "This is no JSON"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(as_ada, acme, inside, field, value, said):
    answer = as_ada.post(PATH, data={**RULES, field: value}, headers=HTMX)
    assert answer.status_code == 422
    assert said in answer.text
    assert kept(inside, acme).scrub_keys == []


def test_a_viewer_may_look_but_not_change(as_vic):
    assert as_vic.get(PATH).status_code == 200
    assert ">Save<" not in as_vic.get(PATH).text
    assert as_vic.post(PATH, data=RULES).status_code == 403


def test_a_stranger_finds_nothing(as_eve, acme):
    assert as_eve.get(PATH).status_code == 404
    assert as_eve.post(PATH, data=RULES).status_code == 404
    assert as_eve.post(f"{PATH}/preview", data=RULES).status_code == 404
