"""Links in messages act by POST alone, as the person whom the message went to, and not for ever."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts.models import Membership, Role
from console.alerting import incidents
from console.alerting.decide import State
from console.alerting.delivery import channels, guesses, links, outbox, preferences
from console.alerting.delivery.models import MessageLink, OutboxMessage, SlackAccount
from console.alerting.delivery.outbox import Recipient
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
)
from console.channels.message import Verb
from console.channels.registry import KINDS
from console.core import clock as console_clock
from console.core.audit import AuditEntry
from console.core.db import db
from tests.support.factories import signed_in, the_person


@pytest.fixture
def incident(make_rule, acme, inside):
    rule_id = make_rule(acme)
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        own = incidents.add(rule, "", console_clock.now(), State.CRITICAL)
        own.why = "2 s > 1 s (critical)"
        db.session.commit()
        return own.id


@pytest.fixture
def mailed(inside, acme, incident):
    """Links in a message of the incident to Alice, or to a channel: to act and to unsubscribe."""

    def mailed(email: str = "alice@acme.test", channel_id: int | None = None) -> tuple[str, str]:
        with inside(acme):
            user = the_person(email) if channel_id is None else None
            recipient = Recipient(
                f"user-{user.id}-email" if user else f"channel-{channel_id}",
                "",
                channel_id,
                user.id if user else None,
            )
            own = db.session.get_one(Incident, incident)
            row = outbox.owe(own, recipient, Verb.TRIGGER, own.sequence, {})
            db.session.flush()
            urls = links.act_url(row), links.unsubscribe_url(row)
            assert urls == (links.act_url(row), links.unsubscribe_url(row))
            db.session.commit()
        act, unsubscribe = (re.sub(r"^http://[^/]+", "", url) for url in urls)
        return act, unsubscribe

    return mailed


@pytest.fixture
def state(inside, acme, incident):
    def state() -> tuple[str, str, str, list[str]]:
        with inside(acme):
            own = db.session.get_one(Incident, incident)
            by = own.acknowledged_by.email if own.acknowledged_by else ""
            history = db.session.scalars(select(IncidentEvent).order_by(IncidentEvent.id))
            names = [e.details.get("script", "") for e in history if e.verb in OF_PEOPLE]
            return own.state.value, by, own.acknowledged_via, names

    return state


OF_PEOPLE = {IncidentVerb.ACKNOWLEDGED, IncidentVerb.RESOLVED}


def test_who_only_looks_changes_nothing(client, mailed, state):
    url, _ = mailed()
    page = client.get(url)
    assert page.status_code == 200
    assert "Acknowledge" in page.text
    assert "2 s, above 1 s" in page.text
    assert client.head(url).status_code == 200
    assert client.get(f"{url}/acknowledgement").status_code == 405
    assert state() == ("open", "", "", [])


def test_its_page_is_kept_nowhere(client, mailed):
    headers = client.get(mailed()[0]).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers


@pytest.mark.usefixtures("both_databases")
def test_a_link_acknowledges_as_its_person_without_a_login(client, mailed, state):
    url, _ = mailed()
    answer = client.post(f"{url}/acknowledgement")
    assert (answer.status_code, answer.location) == (303, url)
    assert state() == ("acknowledged", "alice@acme.test", "email", [""])
    page = client.get(url).text
    assert "is on it" in page
    assert client.post(f"{url}/resolution").status_code == 303
    assert state()[0] == "resolved"


def test_the_history_says_by_which_way_somebody_answered(client, mailed, as_vic, incident):
    client.post(f"{mailed()[0]}/acknowledgement")
    page = as_vic.get(f"/acme/shop/alerts/incidents/{incident}").text
    assert "<strong>Alice</strong> acknowledged it by e-mail" in page


def test_a_link_does_the_same_once(client, mailed, state, inside, acme, incident):
    url, _ = mailed()
    client.post(f"{url}/acknowledgement")
    with inside(acme):
        db.session.get_one(Incident, incident).state = IncidentState.OPEN
        db.session.commit()
    again = client.post(f"{url}/acknowledgement")
    assert again.status_code == 409
    assert "acts no second time" in again.text
    assert state()[0] == "open"


def test_a_link_ends_after_seven_days(client, mailed, state, clock):
    url, _ = mailed()
    clock.move(seconds=timedelta(days=7).total_seconds())
    for answer in (client.get(url), client.post(f"{url}/acknowledgement")):
        assert answer.status_code == 410
        assert "act for seven days" in answer.text
    assert state()[0] == "open"


def test_a_link_of_something_else_is_not_known(client, mailed, state):
    act, unsubscribe = mailed()
    token = unsubscribe.rpartition("/")[2]
    assert client.get(f"/a/{token}").status_code == 404
    assert client.post(f"/u/{act.rpartition('/')[2]}").status_code == 404
    assert client.post(f"/a/{token[:-1]}/acknowledgement").status_code == 404
    assert state()[0] == "open"


def test_who_left_or_only_looks_may_not_act(client, mailed, state, inside, acme):
    viewer, _ = mailed("vic@acme.test")
    assert client.post(f"{viewer}/acknowledgement").status_code == 403
    former, _ = mailed()
    with inside(acme):
        own = Membership.user_id == the_person("alice@acme.test").id
        db.session.delete(db.session.scalars(select(Membership).where(own)).one())
        db.session.commit()
    answer = client.post(f"{former}/acknowledgement")
    assert answer.status_code == 403
    assert "no longer a member" in answer.text
    assert state()[0] == "open"
    page = client.get(former)
    assert page.status_code == 403
    assert "API is slow" not in page.text, "how things stand is for members"
    assert "API is slow" in client.get(viewer).text


def test_whoever_is_signed_in_acts_as_themselves(as_ada, mailed, state):
    as_ada.post(f"{mailed()[0]}/acknowledgement")
    assert state()[1] == "ada@acme.test"


def test_a_stranger_who_is_signed_in_acts_as_the_receiver(as_eve, mailed, state):
    as_eve.post(f"{mailed()[0]}/acknowledgement")
    assert state()[1] == "alice@acme.test"


def test_an_address_that_several_read_answers_as_nobody(client, mailed, state, inside, acme):
    with inside(acme):
        list_ = channels.create(KINDS["email"], "ops", {"to": "ops@acme.test"})
        db.session.commit()
        id_ = list_.id
    url, unsubscribe = mailed(channel_id=id_)
    assert unsubscribe == ""
    assert "Log in to answer" in client.get(url).text
    client.post(f"{url}/acknowledgement")
    assert state() == ("acknowledged", "", "", ["Someone at ops@acme.test"])


def test_the_token_is_stored_as_its_hash(mailed, inside, acme):
    url, _ = mailed()
    with inside(acme):
        rows = db.session.scalars(select(MessageLink)).all()
        assert not any(url.rpartition("/")[2] in str(vars(row)) for row in rows)
        assert db.session.scalars(select(OutboxMessage)).one().payload == {}


def test_guessing_is_slowed_down_and_stands_in_nobodys_way(client, mailed, state):
    url, _ = mailed()
    for number in range(guesses.MOST):
        assert client.get(f"/a/pha_{number}").status_code == 404
    assert client.get("/a/pha_another").status_code == 429
    assert client.post("/u/phe_another").status_code == 429
    # Whoever guesses may share an office's or a proxy's address with whoever is on call.
    assert client.get(url).status_code == 200
    assert client.post(f"{url}/acknowledgement").status_code == 303
    assert state()[0] == "acknowledged"
    guesses.forget_all()


@pytest.mark.usefixtures("both_databases")
def test_mail_programs_unsubscribe_in_one_step_without_a_session(client, mailed, inside, acme):
    _, url = mailed()
    assert "Unsubscribe from these mails?" in client.get(url).text
    assert not _is_unsubscribed(inside, acme)
    answer = client.post(url, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert _is_unsubscribed(inside, acme)
    client.post(url, data={"List-Unsubscribe": "One-Click"})
    with inside(acme):
        actions = db.session.scalars(select(AuditEntry.action)).all()
        assert actions.count("mail.unsubscribed") == 1
    assert "Unsubscribe from these mails?" in client.post(url, data={"undo": "1"}).text
    assert not _is_unsubscribed(inside, acme)


@pytest.mark.usefixtures("both_databases")
def test_slack_is_linked_by_a_member_who_is_signed_in(app, client, inside, acme, globex):
    with inside(acme):
        channel = channels.create(KINDS["slack"], "slack", {"channel": "#ops"})
        url = links.slack_link_url(channel, "a", "T1", "U1").partition("localhost")[2]
        url = url[url.index("/slack/") :]
        db.session.commit()
    assert "/login" in client.get(url).location
    assert signed_in(app, "eve@globex.test").get(url).status_code == 403
    alice = signed_in(app, "alice@acme.test")
    assert "U1" in alice.get(url).text
    with inside(acme):
        assert db.session.scalars(select(SlackAccount)).all() == []
    assert alice.post(url).status_code == 303
    with inside(acme):
        account = db.session.scalars(select(SlackAccount)).one()
        assert (account.slack_user, account.user.email) == ("U1", "alice@acme.test")
    assert alice.post(url).status_code == 410
    page = alice.get("/acme/settings/notifications/").text
    assert "U1" in page


def test_links_that_ended_long_ago_are_deleted(mailed, inside, acme, clock):
    mailed()
    clock.move(seconds=timedelta(days=40).total_seconds())
    with inside(acme):
        links.forget_old(acme.organization_id)
        assert [row.purpose for row in db.session.scalars(select(MessageLink))] == ["unsubscribe"]


def test_the_role_of_a_member_is_known(inside, acme):
    with inside(acme):
        assert links.member_role(the_person("vic@acme.test")) is Role.VIEWER


@pytest.fixture(autouse=True)
def _unhurried():
    guesses.forget_all()


def _is_unsubscribed(inside, acme) -> bool:
    with inside(acme):
        return preferences.of(the_person("alice@acme.test").id).unsubscribed_at is not None
