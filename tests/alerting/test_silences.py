"""Silences: made by people and scripts, in hours of their own, and what they hid."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from console.alerting import queries, silences
from console.alerting.delivery.models import OutboxMessage
from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, Silence
from console.alerting.silences import Hours, spells
from console.alerting.waking import wake
from console.core import clock as console_clock
from console.core.db import db
from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

HERE, API = "/acme/shop/alerts/silences/", "/api/v1/acme/shop/silences"


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def silent_until(acme, inside, clock, make_rule, counted_requests):
    """`silent_until(minute)`: a silence from noon, and a rule that fires at 12:03 and 12:08."""

    def silent_until(minute: float) -> int:
        clock.set(NOON)
        make_rule(acme, window_seconds=60)
        with inside(acme):
            silence = Silence(
                project_id=acme.id,
                reason="Moving the database",
                starts_at=NOON,
                ends_at=NOON + minutes(minute),
            )
            db.session.add(silence)
            db.session.commit()
            silence_id = silence.id
        counted_requests(acme, lambda at: 2_000 if at - NOON >= minutes(2) else 100, minutes=15)
        clock.move(minutes=5)
        with inside(acme):
            evaluate(acme.organization_id)
        return silence_id

    return silent_until


@pytest.fixture
def messages(acme, inside):
    def messages() -> list[str]:
        with inside(acme):
            owed = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
            return [message.payload["verb"] for message in owed]

    return messages


def given(**changes: object) -> dict[str, object]:
    return {"reason": "Moving", "ends": "2026-11-20T14:00", "zone": "UTC", **changes}


@pytest.mark.usefixtures("both_databases")
def test_a_silence_hides_messages_and_lists_them(as_vic, silent_until, messages):
    silence_id = silent_until(60)
    assert messages() == []
    page = as_vic.get(f"{HERE}{silence_id}").text
    assert "1 message hidden" in page
    assert "API is slow" in page
    assert "End now" not in page  # Vic only looks


@pytest.mark.usefixtures("both_databases")
def test_what_fires_on_after_a_silence_is_said_once(acme, inside, clock, silent_until, messages):
    silent_until(6)
    with inside(acme):
        wake(acme.organization_id)
    assert messages() == []  # it lasts until 12:06
    clock.move(minutes=2)
    for _ in range(2):
        with inside(acme):
            wake(acme.organization_id)
    assert messages() == ["woken"]


def test_a_person_ends_a_silence(as_alice, acme, inside, silent_until):
    silence_id = silent_until(60)
    part = as_alice.post(f"{HERE}{silence_id}/end", headers=HTMX)
    assert part.text.startswith(f'<div id="silence-{silence_id}"')
    assert "Ended" in part.text
    assert "Moving the database" in as_alice.get(f"{HERE}?state=ended").text
    assert "Moving the database" not in as_alice.get(HERE).text
    with inside(acme):
        assert db.session.get_one(Silence, silence_id).ends_at == console_clock.now()


def test_a_silence_shows_its_next_times_before_it_is_saved(as_alice, acme, inside, clock):
    clock.set(NOON)
    hours = given(
        repeats="hours", days=["sat", "sun"], begins="02:00", minutes="90",
        ends="2026-12-20T00:00", zone="Europe/Berlin",
    )  # fmt: skip
    part = as_alice.post(HERE, data={**hours, "look": "1"}, headers=HTMX)
    assert part.status_code == 200
    assert "Sat 21 Nov 02:00 CET to Sat 21 Nov 03:30 CET" in part.text
    with inside(acme):
        assert not db.session.scalars(select(Silence)).all()
    saved = as_alice.post(HERE, data=hours)
    assert saved.status_code == 303
    with inside(acme):
        silence = db.session.scalars(select(Silence)).one()
    assert (silence.cron, silence.zone, silence.minutes) == ("0 2 * * sat,sun", "Europe/Berlin", 90)
    assert "Sun 22 Nov 02:00 CET" in as_alice.get(saved.location).text


@at_once(
    ("changes", "message"),
    [
        ({"reason": " "}, "Say why."),
        ({"ends": ""}, "Say when it ends."),
        ({"ends": "tomorrow"}, "Not a date and time"),
        ({"ends": "2026-11-20T11:00"}, "That is over already."),
        ({"starts": "2026-11-20T16:00"}, "It ends before it starts."),
        ({"ends": "2028-11-20T11:00"}, "At most 400 days"),
        ({"zone": "Mars"}, "Unknown time zone"),
        ({"rule": "99999"}, "Not a valid choice"),
        (
            {"repeats": "cron", "cron": "0 0 31 2 *", "minutes": "5"},
            "0 0 31 2 *': bad day-of-month",
        ),
        ({"repeats": "cron", "cron": "often", "minutes": "5"}, "has not the five fields"),
        ({"repeats": "cron", "cron": "0 2 * * *", "minutes": "5"}, "It never begins between"),
        ({"repeats": "cron", "cron": "0 2 * * *"}, "Say for how long"),
        ({"repeats": "hours", "begins": "02:00", "minutes": "5"}, "Choose a day."),
        ({"repeats": "hours", "days": "sat", "begins": "2", "minutes": "5"}, "A time of day"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_alice, acme, as_script, clock, changes, message):
    clock.set(NOON)
    starts = {} if "starts" in changes or "ends" in changes else {"starts": "2026-11-20T12:30"}
    data = given(**starts, **changes)
    page = as_alice.post(HERE, data=data, headers=HTMX)
    assert page.status_code == 422
    assert message in unescape(page.text)
    answer = as_script(acme, "incidents:write").post(API, json=data)
    assert answer.status_code == 400
    assert message in answer.json["detail"]


def test_scripts_make_read_and_end_silences(acme, as_script, clock, make_rule):
    clock.set(NOON)
    rule_id = make_rule(acme)
    script = as_script(acme, "incidents:read", "incidents:write")
    asked = given(
        rule=rule_id, value="GET /a", cron="0 2 * * *", minutes=30, ends="2026-12-01T00:00Z"
    )
    made = script.post(API, json=asked)
    assert made.status_code == 201, made.text
    silence = made.json
    assert (silence["rule"], silence["value"], silence["state"]) == (rule_id, "GET /a", "active")
    assert silence["next"][0] == {
        "since": "2026-11-21T02:00:00+00:00",
        "until": "2026-11-21T02:30:00+00:00",
    }
    assert script.get(API).json["silences"] == [silence]
    assert script.get(f"{API}/{silence['id']}").json == {**silence, "hid": []}
    clock.move(minutes=1)
    assert script.post(f"{API}/{silence['id']}/end").json["state"] == "ended"
    assert script.get(API).json["silences"] == []
    assert script.get(f"{API}?state=ended").json["silences"][0]["id"] == silence["id"]
    assert script.post(API, json={**asked, "colour": "red"}).status_code == 400
    assert as_script(acme, "incidents:read").post(API, json=asked).status_code == 403


def test_a_plan_follows_the_clock_of_its_zone():
    """In Berlin, 25 October 2026 has 02:30 twice: it begins the first time."""
    night = Hours("30 2 * * *", "Europe/Berlin", 60)
    since, until = datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)
    assert [f"{spell.since:%d %H:%M}" for spell in spells(night, since, until, 4)] == [
        "25 00:30",
        "26 01:30",
    ]


def test_who_may_not(as_vic, as_eve, silent_until):
    here = f"{HERE}{silent_until(60)}"
    assert as_vic.get(f"{HERE}new").status_code == 403
    assert as_vic.post(HERE, data=given()).status_code == 403
    assert as_vic.post(f"{here}/end").status_code == 403
    for path in (HERE, here, f"{HERE}new"):
        assert as_eve.get(path).status_code == 404
    assert as_eve.post(f"{here}/end").status_code == 404
    assert as_eve.post(HERE, data=given()).status_code == 404


def test_a_list_of_many_asks_no_more(as_vic, acme, inside, clock, statements):
    clock.set(NOON)
    asked = []
    for count in (1, 19):
        with inside(acme):
            for _ in range(count):
                silence = Silence(
                    project_id=acme.id, reason="Work", starts_at=NOON, ends_at=NOON + minutes(9)
                )
                db.session.add(silence)
            db.session.commit()
        with statements() as seen:
            assert as_vic.get(HERE).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


def test_a_snooze_is_quiet_and_ends(acme, inside, clock, silent_until, messages, as_script):
    silent_until(1)  # over before the rule fires
    assert messages() == ["opened"]
    with inside(acme):
        incident_id = db.session.scalars(select(Incident.id)).one()
    script = as_script(acme, "incidents:write")
    here = f"/api/v1/acme/shop/incidents/{incident_id}"
    assert script.post(f"{here}/snooze", json={"minutes": 2}).status_code == 200
    with inside(acme):
        wake(acme.organization_id)
    assert messages() == ["opened"]
    clock.move(minutes=2)
    with inside(acme):
        wake(acme.organization_id)
        assert db.session.scalars(select(Incident)).one().snoozed_until is None
    assert messages() == ["opened", "woken"]


def test_a_project_has_so_many_silences_at_a_time_and_no_more(
    acme, as_script, as_alice, monkeypatch
):
    monkeypatch.setattr(silences, "MOST", 1)
    script = as_script(acme, "incidents:read", "incidents:write")
    document = {"reason": "Moving", "ends": (console_clock.now() + minutes(60)).isoformat()}
    first = script.post(API, json=document).json
    assert "End one first." in script.post(API, json=document).json["detail"]
    page = as_alice.post(HERE, data=document)
    assert (page.status_code, "End one first." in page.text) == (422, True)
    script.post(f"{API}/{first['id']}/end")
    assert script.post(API, json=document).status_code == 201


def test_a_recurring_silence_says_whether_it_holds_at_this_moment(acme, as_script, as_vic, clock):
    clock.set(NOON)
    script = as_script(acme, "incidents:read", "incidents:write")
    hours = {"cron": "0 13 * * *", "minutes": 30, "reason": "Backup", "ends": "2026-12-01T00:00Z"}
    assert script.post(API, json=hours).json["holds"] is False
    (silence,) = script.get(API).json["silences"]
    assert (silence["state"], silence["holds"]) == ("active", False)
    assert "waits for its hours" in as_vic.get(HERE).text
    clock.move(minutes=70)
    assert script.get(API).json["silences"][0]["holds"] is True
    assert "recurring" in as_vic.get(HERE).text


def offered(page: str) -> list[str]:
    return [option.text() for option in HTMLParser(page).css("select[name=rule] option")][1:]


def test_a_few_of_many_rules_are_offered_and_others_are_found(
    acme, as_alice, inside, make_rule, monkeypatch
):
    monkeypatch.setattr(queries, "MOST_NAMES", 2)
    ids = [make_rule(acme, name=name) for name in ("Apdex", "Cache", "Disk")]
    page = as_alice.get(f"{HERE}new?rule={ids[1]}").text
    assert offered(page) == ["Apdex", "Cache"]
    assert "3 rules, of which the first by name are offered" in page
    sent = {"rule": ids[0], "find": "dis", "reason": "Backup", "find-rule": "1"}
    part = as_alice.post(HERE, data=sent, headers=HTMX)
    assert part.status_code == 200
    assert offered(part.text) == ["Disk", "Apdex"]
    assert f'<option selected value="{ids[0]}">' in part.text
    assert 'value="Backup"' in part.text
    found = {"rule": ids[2], "reason": "Backup", "ends": "2099-01-01T00:00", "zone": "UTC"}
    wrong = as_alice.post(HERE, data=found)  # it lasts too long, and keeps its rule
    assert (wrong.status_code, offered(wrong.text)) == (422, ["Apdex", "Cache", "Disk"])
