"""The page on which a person says how they are notified."""

import pytest

from console.alerting.delivery import channels, preferences
from console.alerting.delivery.models import SlackAccount
from console.channels.registry import KINDS
from console.core.db import db
from tests.support.clients import HTMX
from tests.support.factories import the_person

URL = "/acme/settings/notifications/"
SENT = {
    "mails": "y",
    "high": ["email", "slack"],
    "medium": ["email"],
    "quiet": "y",
    "days": ["0", "6"],
    "since": "22:00",
    "until": "07:00",
    "zone": "Europe/Berlin",
    "digest": "daily",
    "digest_at": "08:30",
}


@pytest.fixture
def own(inside, acme):
    def own(email="vic@acme.test"):
        with inside(acme):
            return preferences.of(the_person(email).id).document

    return own


def test_everybody_chooses_for_themselves_even_a_viewer(as_vic, own):
    assert as_vic.post(URL, data=SENT).status_code == 303
    document = own()
    assert document["ways"] == {"high": ["email", "slack"], "medium": ["email"], "low": []}
    assert document["quiet"]["days"] == [0, 6]
    assert document["digest"] == {"every": "daily", "at": "08:30", "zone": "Europe/Berlin"}
    assert own("alice@acme.test") == preferences.Preferences().document
    page = as_vic.get(URL).text
    assert 'value="Europe/Berlin"' in page
    assert 'value="08:30"' in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"high": []}, "Choose one way at least"),
        ({"zone": "Europe/Nowhere"}, "Unknown time zone"),
        ({"since": "25:00"}, "A time of day such as 22:00."),
        ({"digest_at": ""}, "A time of day such as 22:00."),
        ({"days": []}, "Choose a day."),
        ({"days": ["9"]}, "not a valid choice"),
        ({"digest": "yearly"}, "Not a valid choice."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_vic, own, changes, sentence):
    answer = as_vic.post(URL, data={**SENT, **changes}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<div id="notifications"')
    assert sentence in answer.text
    assert own() == preferences.Preferences().document


def test_mails_are_stopped_and_come_again(as_ada, own):
    as_ada.post(URL, data={**SENT, "mails": ""})
    assert own("ada@acme.test")["unsubscribed_at"]
    page = as_ada.get(URL).text
    assert "No owner of the organization gets mails" in page
    assert "Every owner has unsubscribed" in as_ada.get("/acme/settings/channels/").text
    as_ada.post(URL, data=SENT)
    assert own("ada@acme.test")["unsubscribed_at"] is None


def test_a_slack_account_is_unlinked_by_its_person_alone(as_vic, as_alice, inside, acme):
    with inside(acme):
        channel = channels.create(KINDS["slack"], "slack", {"channel": "#ops"})
        user = the_person("vic@acme.test")
        own = {"channel_id": channel.id, "user_id": user.id}
        account = SlackAccount(app="a", team="T1", slack_user="U0VIC", **own)
        db.session.add(account)
        db.session.commit()
        url = f"{URL}slack/{account.id}/removal"
    assert as_alice.post(url).status_code == 404
    assert "U0VIC" in as_vic.get(URL).text
    assert as_vic.post(url).status_code == 303
    assert "U0VIC" not in as_vic.get(URL).text


def test_a_stranger_has_no_notifications_there(as_eve):
    assert as_eve.get(URL).status_code == 404
    assert as_eve.post(URL, data=SENT).status_code == 404
