"""Reports for scripts."""

from __future__ import annotations

import pytest

HERE = "/api/v1/acme/shop/reports"
GIVEN = {"name": "Daily", "about": "worse", "cron": "0 8 * * *", "zone": "Europe/Berlin"}


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "reports:read", "reports:write")


def test_a_report_is_made_read_changed_sent_and_deleted(script):
    made = script.post(HERE, json=GIVEN)
    assert made.status_code == 201, made.text
    assert made.json["cron"] == "0 8 * * *"
    assert len(made.json["next"]) == 5
    place = f"{HERE}/{made.json['id']}"
    assert script.get(HERE).json["reports"][0]["name"] == "Daily"
    changed = script.put(place, json=GIVEN | {"name": "Every day", "skip_empty": False})
    assert changed.json["name"] == "Every day"
    assert script.post(f"{place}/editions").status_code == 409, "nobody gets it"
    added = script.post(f"{place}/recipients", json={"address": "eva@out.test"})
    assert added.json["recipients"][0]["confirmed_at"] is None
    recipient = added.json["recipients"][0]["id"]
    assert script.delete(f"{place}/recipients/{recipient}").status_code == 204
    assert script.get(f"{place}/editions").json["editions"] == []
    assert script.delete(place).status_code == 204
    assert script.get(place).status_code == 404


def test_a_wrong_report_names_what_is_wrong(script):
    answer = script.post(HERE, json=GIVEN | {"zone": "Mars"})
    assert answer.status_code == 400
    assert "zone" in answer.text


def test_who_may_read_may_not_write(as_script, acme):
    reader = as_script(acme, "reports:read")
    assert reader.post(HERE, json=GIVEN).status_code == 403
    assert as_script(acme, "issues:read").get(HERE).status_code == 403
