"""The delivery log: people see what was not delivered, and try it again or discard it."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from console.alerting.delivery import log
from console.alerting.delivery.models import DeliveryAttempt, MessageState, OutboxMessage
from console.channels.message import Verb
from console.core.audit import AuditEntry
from console.core.db import db
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe
from tests.support.clients import HTMX
from tests.support.scheduled import perform
from tests.support.statements import statements_of

ADA = "ada@acme.test"
PAGE, API = "/acme/settings/deliveries", "/api/v1/acme/shop/deliveries"


@pytest.fixture
def settings(settings, smtp):
    """The console sends mail to the tests' own server."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


@pytest.fixture
def refused(acme, inside, smtp):
    """The id of a message to Ada that her mail server has refused for good."""
    smtp.refusal = "550 no such mailbox"
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        deliver(acme)
        (message,) = messages()
        assert message.state is MessageState.FAILED
        smtp.refusal = ""
        return message.id


def test_every_page_says_that_a_message_was_not_delivered(as_vic, refused):
    listed = as_vic.get(f"{PAGE}?state=undelivered").text
    assert f'id="delivery-row-{refused}"' in listed
    assert "550 no such mailbox" in listed
    assert "1 message was not delivered" in as_vic.get("/acme/shop/issues/").text
    assert "1 message was not delivered" in as_vic.get("/acme/settings/").text


def test_a_message_shows_its_tries_and_what_was_answered(as_vic, refused):
    page = as_vic.get(f"{PAGE}/{refused}").text
    assert "Refused" in page
    assert "550 no such mailbox" in page
    assert "Retry now" not in page, "viewers change nothing"


def test_a_retry_sends_the_same_message_again_with_the_same_key(
    as_alice, acme, inside, smtp, refused
):
    part = as_alice.post(f"{PAGE}/{refused}/retry", headers=HTMX).text
    assert part.startswith(f'<div id="delivery-{refused}"')
    with inside(acme):
        before = messages()[0].key
        deliver(acme)
        (message,) = messages()
        assert (message.state, message.key, message.attempts) == (MessageState.SENT, before, 2)
        audited = select(AuditEntry.target).where(AuditEntry.action == "delivery.retried")
        assert db.session.scalars(audited).all() == [before]
    assert len(smtp.messages) == 1
    assert "was not delivered" not in as_alice.get("/acme/shop/issues/").text


def test_all_that_failed_is_tried_again_at_once(as_alice, acme, inside, smtp, refused):
    assert as_alice.post(f"{PAGE}/retry").location == PAGE
    with inside(acme):
        assert deliver(acme) == 1
        assert messages()[0].id == refused
    assert len(smtp.messages) == 1


def test_to_try_everything_again_asks_the_same_whatever_failed(app, acme, inside, smtp, refused):
    with inside(acme):
        for number in range(30):
            owe(add_incident(acme, f"GET /{number}"), by_mail(ADA)).state = MessageState.FAILED
        db.session.commit()
        with statements_of(app) as asked:
            assert log.retry_all() == 31
        assert sum("outbox_message" in statement for statement in asked) == 2, asked
        db.session.commit()
        assert {row.state for row in messages()} == {MessageState.WAITING}


def test_a_discarded_message_is_sent_no_more_and_the_banner_goes(as_alice, acme, inside, refused):
    assert as_alice.post(f"{PAGE}/{refused}/discard").status_code == 303
    with inside(acme):
        assert deliver(acme) == 0
        assert messages()[0].state is MessageState.DISCARDED
    assert "was not delivered" not in as_alice.get("/acme/shop/issues/").text


def test_what_was_sent_is_neither_discarded_nor_sent_again(as_alice, acme, inside, smtp):
    with inside(acme):
        message_id = owe(add_incident(acme), by_mail(ADA)).id
        deliver(acme)
    for what in ("retry", "discard"):
        as_alice.post(f"{PAGE}/{message_id}/{what}")
    with inside(acme):
        assert deliver(acme) == 0
        assert messages()[0].state is MessageState.SENT
    assert len(smtp.messages) == 1


def test_viewers_change_nothing_and_strangers_see_nothing(as_vic, as_eve, refused):
    for what in (f"{refused}/retry", f"{refused}/discard", "retry"):
        assert as_vic.post(f"{PAGE}/{what}").status_code == 403
        assert as_eve.post(f"{PAGE}/{what}").status_code == 404
    assert as_eve.get(f"{PAGE}/{refused}").status_code == 404
    assert as_eve.get(f"/globex/settings/deliveries/{refused}").status_code == 404
    assert "Nothing was sent yet" in as_eve.get("/globex/settings/deliveries").text


def test_an_incident_shows_who_was_sent_what(as_vic, acme, inside):
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        deliver(acme)
        incident_id = incident.id
    url = f"/acme/shop/alerts/incidents/{incident_id}"
    assert f'hx-get="{url}/deliveries"' in as_vic.get(url).text
    part = as_vic.get(f"{url}/deliveries", headers=HTMX).text
    assert part.startswith('<section id="incident-deliveries"')
    assert "It began" in part
    assert "by e-mail" in part


def test_the_log_is_filtered_and_asks_the_same_whatever_its_length(app, as_vic, acme, inside):
    counts = []
    for added in (1, 20):
        with inside(acme):
            for _ in range(added):
                owe(add_incident(acme), by_mail(ADA))
        with statements_of(app) as statements:
            assert as_vic.get(PAGE, headers=HTMX).text.count('id="delivery-row-') == min(
                added + (added > 1), 30
            )
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert as_vic.get(f"{PAGE}?state=sent").text.count('id="delivery-row-') == 0
    assert as_vic.get(f"{PAGE}?state=nonsense").status_code == 422
    with inside(acme):
        incident_id = db.session.scalars(select(OutboxMessage.incident_id)).first()
    listed = as_vic.get(f"{PAGE}?incident={incident_id}").text
    assert listed.count('id="delivery-row-') == 1


def test_scripts_read_the_log_and_try_again(as_script, acme, inside, refused):
    script = as_script(acme, "deliveries:read", "deliveries:write")
    (listed,) = script.get(f"{API}?state=undelivered").json["deliveries"]
    assert (listed["id"], listed["state"], listed["person"]) == (refused, "failed", ADA)
    (tried,) = script.get(f"{API}/{refused}").json["tries"]
    assert (tried["outcome"], tried["number"]) == ("refused", 1)
    assert script.post(f"{API}/{refused}/retry").json["state"] == "waiting"
    with inside(acme):
        deliver(acme)
    assert script.get(f"{API}/{refused}").json["state"] == "sent"
    reader = as_script(acme, "deliveries:read")
    assert reader.post(f"{API}/{refused}/discard").status_code == 403


def test_scripts_of_strangers_find_nothing(as_script, globex, refused):
    script = as_script(globex, "deliveries:read", "deliveries:write")
    path = "/api/v1/globex/shop/deliveries"
    assert script.get(path).json["deliveries"] == []
    assert script.get(f"{path}/{refused}").status_code == 404
    assert script.post(f"{path}/{refused}/retry").status_code == 404


def test_old_messages_are_forgotten_but_none_that_is_owed(app, acme, inside, clock):
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        deliver(acme)
        clock.move(days=log.KEPT.days + 1)
        waiting = owe(incident, by_mail(ADA)).id
        clock.move(days=log.KEPT.days + 1)
    with app.app_context():
        assert perform("forget-deliveries") == "1 messages forgotten"
    with inside(acme):
        assert [message.id for message in messages()] == [waiting]
        assert db.session.scalars(select(DeliveryAttempt)).all() == []


def test_a_storm_is_one_line_that_leads_to_its_messages(as_vic, acme, inside):
    with inside(acme):
        for number in range(40):
            owe(add_incident(acme, f"Storm {number}"), by_mail(ADA))
        deliver(acme)
        listing = next(message.id for message in messages() if message.verb is Verb.DIGEST)
    page = as_vic.get(PAGE).text
    assert page.count("delivery-row-") == 1
    assert "40 messages in it" in page
    inside_it = as_vic.get(f"{PAGE}?members={listing}").text
    assert inside_it.count("delivery-row-") == 30
    assert "Storm 39" in inside_it
    assert as_vic.get(f"{PAGE}?state=merged").text.count("delivery-row-") == 30
