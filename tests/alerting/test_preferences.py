"""What a person prefers decides when and how they are notified."""

from datetime import UTC, datetime

import pytest

from console.accounts.models import User
from console.alerting.delivery import preferences
from console.alerting.delivery.models import Channel, SlackAccount
from console.alerting.delivery.preferences import Choices, Gathering, Preferences, ways
from console.alerting.escalation.hours import WorkingHours
from console.alerting.models import Severity
from console.core.db import db
from tests.support.factories import the_person

NIGHT = WorkingHours.of(
    {"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4, 5, 6], "since": "22:00", "until": "07:00"}
)
LATE = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.fixture
def as_preferred(inside, acme):
    """Alice's recipients by key with their time, and why others are skipped."""

    def as_preferred(
        own: Preferences, severity: Severity, at: datetime = LATE
    ) -> tuple[dict[str, datetime | None], list[str]]:
        with inside(acme):
            alice = the_person("alice@acme.test")
            preferences.save(alice.id, own)
            answer = ways(alice, severity, at, Choices.read())
            keys = {r.key.rpartition("-")[2]: r.at for r in answer.recipients}
            return keys, [why for _, why in answer.skipped]

    return as_preferred


@pytest.fixture
def linked(inside, acme):
    with inside(acme):
        channel = Channel(name="slack", kind="slack", hook="h")
        db.session.add(channel)
        db.session.flush()
        account = SlackAccount(
            app="a",
            team="T1",
            slack_user="U1",
            channel_id=channel.id,
            user_id=the_person("alice@acme.test").id,
        )
        db.session.add(account)
        db.session.commit()
        return channel.id


def slack_for(*severities: Severity) -> Preferences:
    return Preferences(
        ways=dict.fromkeys(Severity, ("email",)) | dict.fromkeys(severities, ("slack",))
    )


def test_without_a_choice_everything_goes_by_mail_at_once(as_preferred):
    for severity in Severity:
        assert as_preferred(Preferences(), severity) == ({"email": None}, [])


def test_quiet_hours_keep_all_but_high_severity_until_they_end(as_preferred):
    own = Preferences(quiet=NIGHT)
    assert as_preferred(own, Severity.MEDIUM) == ({"email": MORNING}, [])
    assert as_preferred(own, Severity.LOW) == ({"email": MORNING}, [])
    assert as_preferred(own, Severity.HIGH) == ({"email": None}, [])
    assert as_preferred(own, Severity.MEDIUM, MORNING) == ({"email": None}, [])


def test_low_severity_is_gathered_by_the_hour_or_day(as_preferred):
    hourly = Preferences(gathering=Gathering("hourly", NIGHT.until, "UTC"))
    daily = Preferences(gathering=Gathering("daily", NIGHT.until, "Europe/Berlin"))
    assert as_preferred(hourly, Severity.LOW)[0] == {"email": LATE.replace(hour=23, minute=0)}
    assert as_preferred(daily, Severity.LOW)[0] == {"email": MORNING}
    assert as_preferred(daily, Severity.MEDIUM)[0] == {"email": None}


def test_a_gathered_message_waits_for_the_end_of_quiet_hours_too(as_preferred):
    own = Preferences(quiet=NIGHT, gathering=Gathering("hourly", NIGHT.until, "UTC"))
    assert as_preferred(own, Severity.LOW)[0] == {"email": MORNING}


def test_slack_is_used_where_it_was_chosen_and_linked(as_preferred, linked):
    own = slack_for(Severity.HIGH)
    assert as_preferred(own, Severity.HIGH) == ({"slack": None}, [])
    assert as_preferred(own, Severity.LOW) == ({"email": None}, [])


def test_who_cannot_be_reached_in_slack_gets_mail(as_preferred, linked, inside, acme):
    own = slack_for(Severity.HIGH)
    with inside(acme):
        db.session.get_one(Channel, linked).enabled = False
        db.session.commit()
    assert as_preferred(own, Severity.HIGH) == ({"email": None}, ["has no linked Slack account"])


def test_who_unsubscribed_gets_no_mail_and_the_reason_is_named(as_preferred):
    own = Preferences(unsubscribed_at=LATE)
    assert as_preferred(own, Severity.HIGH) == ({}, [preferences.UNSUBSCRIBED])


def test_who_wants_nothing_of_a_severity_is_skipped(as_preferred):
    own = Preferences(ways={**Preferences().ways, Severity.LOW: ()})
    assert as_preferred(own, Severity.LOW) == ({}, ["wants no messages of low severity"])


def test_preferences_are_what_was_saved(inside, acme):
    own = Preferences(
        ways=slack_for(Severity.HIGH).ways,
        quiet=NIGHT,
        gathering=Gathering("daily", NIGHT.until, "Europe/Berlin"),
        unsubscribed_at=LATE,
    )
    with inside(acme):
        alice: User = the_person("alice@acme.test")
        preferences.save(alice.id, own)
        db.session.commit()
        assert preferences.of(alice.id).document == own.document
        assert preferences.of(the_person("vic@acme.test").id).document == Preferences().document


def test_a_day_of_the_spring_gap_has_its_digest():
    gap = Gathering("daily", NIGHT.until.replace(hour=2, minute=30), "Europe/Berlin")
    before = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert gap.after(before) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert gap.after(gap.after(before)) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_news_of_an_incident_is_kept_back_and_left_out_like_its_first_message(inside, acme):
    with inside(acme):
        alice = the_person("alice@acme.test")
        mail = preferences.by_mail(alice)
        preferences.save(alice.id, Preferences(quiet=NIGHT))
        for severity, at in ((Severity.MEDIUM, MORNING), (Severity.HIGH, None)):
            news = preferences.as_preferred(mail, severity, LATE)
            assert news is not None
            assert news.at == at
        preferences.save(alice.id, Preferences(unsubscribed_at=LATE))
        assert preferences.as_preferred(mail, Severity.HIGH, LATE) is None
