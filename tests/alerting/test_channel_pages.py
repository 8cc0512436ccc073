"""The pages of channels: the list, the page of one, its form, and a test message."""

from dataclasses import replace

import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import select

from console.alerting.delivery import banner
from console.alerting.delivery import channels as domain
from console.alerting.delivery.models import Channel
from console.alerting.escalation import policies
from console.channels.registry import KINDS
from console.core import clock
from console.core.db import db
from tests.alerting.escalations import policy, step
from tests.support.clients import HTMX
from tests.support.pages import Page, text_of

LIST = "/acme/settings/channels/"
TO = {"name": "ops list", "settings.to": "ops@acme.test", "enabled": "y"}


@pytest.fixture
def settings(settings, smtp):
    """The console's settings with a mail server."""
    return replace(settings, smtp_url=smtp.url)


@pytest.fixture
def make(inside, acme):
    def make(name="ops list", to="ops@acme.test", **more) -> int:
        with inside(acme):
            channel = domain.create(KINDS["email"], name, {"to": to}, **more)
            db.session.commit()
            return channel.id

    return make


def test_an_organization_without_channels_reads_what_to_do(as_ada):
    page = as_ada.get(LIST).text
    assert "No channel yet" in page
    assert '/acme/settings/channels/new/email"' in page


def test_a_channel_is_made_and_listed(as_ada, inside, acme):
    answer = as_ada.post("/acme/settings/channels/new/email", data=TO)
    assert answer.status_code == 303
    page = as_ada.get(answer.location).text
    assert "ops list" in page
    assert "Never tried" in page
    listed = as_ada.get(LIST, headers=HTMX).text
    assert listed.startswith('<div id="channels"')
    assert "ops list" in listed
    with inside(acme):
        assert domain.given(db.session.scalars(select(Channel)).one()) == {"to": "ops@acme.test"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "Give it a name, such as #ops."),
        ({"settings.to": ""}, "Fill in addresses."),
        ({"settings.to": "ops@acme.test\nBcc: all@acme.test"}, "is no e-mail address"),
        ({"settings.to": "ops@acme.test>, <eve@globex.test"}, "is no e-mail address"),
        ({"fallback": "99"}, "Not a valid choice."),
        ({"name": "x" * 101}, "At most 100 characters."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(as_ada, changes, sentence):
    answer = as_ada.post("/acme/settings/channels/new/email", data={**TO, **changes}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<div id="channel-form"')
    assert sentence in answer.text
    assert "ops list" in answer.text or "name" in changes


def test_all_that_is_wrong_is_shown_at_once_with_what_would_be_sent(as_ada, make):
    make()
    wrong = {"name": "", "settings.url": "ftp://acme.test", "settings.template": "{{ nobody }}"}
    page = Page(as_ada.post("/acme/settings/channels/new/webhook", data=wrong, headers=HTMX))
    faults = [text_of(fault) for fault in page.select(".field-error")]
    assert faults[0] == "Give it a name, such as #ops."
    assert len(faults) == 4, "the name, the URL, the template, and the preview"
    assert "nobody" in text_of(page.select("#channel-preview")[0])
    twice = {**TO, "settings.to": "nobody", "fallback": "somebody"}
    page = Page(as_ada.post("/acme/settings/channels/new/email", data=twice, headers=HTMX))
    assert len(page.select(".field-error")) == 3


def test_a_kind_that_is_not_available_has_no_form(as_ada):
    page = Page(as_ada.get("/acme/settings/channels/new/apprise"))
    assert page.select("#channel-draft") == []
    assert "PHAROS_APPRISE" in text_of(page.select("#channel-form")[0])
    answer = as_ada.post("/acme/settings/channels/new/apprise", data={"name": "x"}, headers=HTMX)
    assert (answer.status_code, "PHAROS_APPRISE" in answer.text) == (422, True)


def test_a_name_is_given_once_and_free_again_when_its_channel_is_deleted(as_ada, make):
    made = make()
    assert (
        "Another channel has this name."
        in as_ada.post("/acme/settings/channels/new/email", data=TO).text
    )
    assert as_ada.post(f"/acme/settings/channels/{made}/deletion").status_code == 303
    assert as_ada.get(f"/acme/settings/channels/{made}").status_code == 404
    assert as_ada.post("/acme/settings/channels/new/email", data=TO).status_code == 303


def test_a_channel_is_changed_and_does_not_take_its_own_place(as_ada, make, inside, acme):
    first, second = make("first"), make("second")
    url = f"/acme/settings/channels/{first}/settings"
    sent = {"name": "first", "settings.to": "new@acme.test", "fallback": str(second), "enabled": ""}
    assert as_ada.post(url, data=sent).status_code == 303
    with inside(acme):
        channel = db.session.get_one(Channel, first)
        assert (channel.settings["to"], channel.enabled) == ("new@acme.test", False)
        assert channel.fallback_id == second
    back = {"name": "second", "settings.to": "x@acme.test", "fallback": str(first)}
    answer = as_ada.post(f"/acme/settings/channels/{second}/settings", data=back)
    assert answer.status_code == 422
    assert "It would lead back to this channel." in answer.text


def test_a_test_message_is_sent_and_the_answer_shown(as_alice, make, smtp, inside, acme):
    made = make()
    page = as_alice.post(f"/acme/settings/channels/{made}/test", headers=HTMX).text
    assert page.startswith(f'<div id="channel-{made}"')
    assert "The test message was handed over to E-mail." in page
    assert "Works" in page
    assert "This is a test of the channel ops list" in str(smtp.messages[-1])
    with inside(acme):
        assert db.session.get_one(Channel, made).last_sent_at is not None


def test_what_refuses_a_test_message_is_named(as_alice, make, smtp):
    made = make()
    smtp.refusal = "554 no more"
    page = as_alice.post(f"/acme/settings/channels/{made}/test", headers=HTMX).text
    assert "Failing" in page
    assert 'role="alert"' in page


def test_deleting_names_what_uses_it(as_ada, make, inside, acme):
    used = make("used")
    relying = make("relying", fallback_id=used)
    assert relying
    document = {"steps": [{"delay_minutes": 0, "targets": [{"channel": used}]}]}
    with inside(acme):
        policies.create("Checkout", document)
        db.session.commit()
    page = as_ada.get(f"/acme/settings/channels/{used}").text
    assert "used by the policy “Checkout”, the channel “relying”, when it fails" in page
    assert "Checkout" in as_ada.get(LIST).text


def test_members_read_and_test_but_only_admins_change(as_alice, as_vic, make):
    made = make()
    for browser in (as_alice, as_vic):
        page = browser.get(f"/acme/settings/channels/{made}").text
        assert "ops@acme.test" not in page
        assert browser.get("/acme/settings/channels/new/email").status_code == 403
        assert browser.post("/acme/settings/channels/new/email", data=TO).status_code == 403
        assert browser.post(f"/acme/settings/channels/{made}/settings", data=TO).status_code == 403
        assert browser.post(f"/acme/settings/channels/{made}/deletion").status_code == 403
    assert as_vic.post(f"/acme/settings/channels/{made}/test").status_code == 403


def test_a_stranger_sees_no_channel(as_eve, make):
    made = make()
    assert as_eve.get(LIST).status_code == 404
    assert as_eve.get(f"/acme/settings/channels/{made}").status_code == 404
    for act in ("settings", "test", "deletion"):
        assert as_eve.post(f"/globex/settings/channels/{made}/{act}").status_code == 404


def test_a_kind_that_is_none_is_not_there(as_ada):
    assert as_ada.get("/acme/settings/channels/new/fax").status_code == 404
    assert as_ada.post("/acme/settings/channels/preview/email").status_code == 404


def test_the_list_asks_as_much_for_twenty_channels_as_for_one(as_ada, make, statements):
    make("0")
    counts = []
    for last in (1, 20):
        for number in range(1, last):
            make(str(number))
        with statements() as asked:
            as_ada.get(LIST)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_template_is_previewed_by_the_renderer_that_delivers(as_ada):
    sent = {"name": "hook", "settings.template": '{"text": "{{ headline }}"}'}
    shown = as_ada.post("/acme/settings/channels/preview/webhook", data=sent, headers=HTMX).text
    assert shown.startswith('<section id="channel-preview"')
    assert "POST /checkout" in shown
    wrong = {**sent, "settings.template": '{"text": {{ headlin }}'}
    shown = as_ada.post("/acme/settings/channels/preview/webhook", data=wrong, headers=HTMX).text
    assert "field-error" in shown
    assert "headlin" in shown


def test_a_template_that_fails_is_refused_beside_its_field(as_ada):
    sent = {"name": "hook", "settings.url": "https://x.test/", "settings.template": '{"a": '}
    answer = as_ada.post("/acme/settings/channels/new/webhook", data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert 'id="settings.template-error"' in answer.text


def test_a_webhook_to_a_private_address_is_refused_beside_its_field(as_ada):
    sent = {"name": "hook", "settings.url": "http://127.0.0.1:9/"}
    answer = as_ada.post("/acme/settings/channels/new/webhook", data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert "private network" in answer.text


@pytest.mark.parametrize("example", ["Discord", "Microsoft Teams", "ntfy", "Mattermost"])
def test_a_ready_template_is_there_to_start_from(as_ada, example):
    page = as_ada.get("/acme/settings/channels/new/webhook", query_string={"example": example})
    assert "{{ " in page.text


def test_a_secret_is_never_shown_again(as_ada, as_alice, inside, acme):
    url = "https://hooks.example.com/T0/secret-of-the-hook"
    sent = {"name": "hook", "settings.url": url, "settings.headers": "Authorization: Bearer s3cr3t"}
    made = as_ada.post("/acme/settings/channels/new/webhook", data=sent).location
    for browser in (as_ada, as_alice):
        page = browser.get(made).text
        assert "secret-of-the-hook" not in page
        assert "s3cr3t" not in page
    assert "Set. Leave it empty to keep it." in as_ada.get(made).text
    as_ada.post(f"{made}/settings", data={"name": "hook", "removed": "headers"})
    with inside(acme):
        given = domain.given(db.session.scalars(select(Channel)).one())
        assert given["url"] == url
        assert "headers" not in given


def test_an_address_to_report_back_is_shown_to_admins_with_what_to_do(as_ada, as_alice):
    sent = {"name": "pager", "settings.routing_key": "a" * 32}
    made = as_ada.post("/acme/settings/channels/new/pagerduty", data=sent).location
    page = as_ada.get(made).text
    assert "/hooks/pagerduty/phk_" in page
    assert "Generic Webhooks (v3)" in page
    assert "phk_" not in as_alice.get(made).text


def test_the_banner_names_channels_that_do_not_work_and_leads_to_them(as_vic, make, inside, acme):
    made = [make(f"list {number}") for number in range(5)]
    with inside(acme):
        for number, id_ in enumerate(made):
            channel = db.session.get_one(Channel, id_)
            channel.failing_since, channel.last_error = clock.now(), f"It said {number}."
            channel.failures = 1
        policies.default().document = policy(*(step({"channel": id_}) for id_ in made))
        db.session.commit()
        banner.refresh(acme.organization_id)
    notices = LexborHTMLParser(as_vic.get("/acme/shop/issues/").text).css(".note a")
    named = [str(link.attributes["href"]).partition("?")[0] for link in notices]
    links = [address for address in named if "channels" in address]
    assert links == [*(f"{LIST}{id_}" for id_ in made[:3]), LIST]
    assert "2 more channels do not work" in as_vic.get("/acme/shop/issues/").text
    assert "It said 1." in as_vic.get(links[1]).text


def test_a_channel_that_failed_a_test_and_is_used_nowhere_raises_no_banner(
    as_vic, make, inside, acme
):
    tried, spare = make("tried"), make("spare")

    def shown() -> list[str]:
        with inside(acme):
            banner.refresh(acme.organization_id)
        text = as_vic.get("/acme/shop/issues/").text
        return [name for name in ("tried", "spare") if f"The channel {name} does not work" in text]

    with inside(acme):
        for id_ in (tried, spare):
            channel = db.session.get_one(Channel, id_)
            channel.failing_since, channel.last_error = clock.now(), "It said no."
        db.session.commit()
    assert shown() == []
    assert "It said no." in as_vic.get(f"{LIST}{tried}").text
    with inside(acme):  # the one is used, the other stands in for it
        policies.create("Checkout", policy(step({"channel": tried})))
        db.session.get_one(Channel, tried).fallback_id = spare
        db.session.commit()
    assert shown() == ["tried", "spare"]


def test_a_channel_leads_to_its_policies_and_its_messages(as_vic, make, inside, acme):
    used = make("used")
    with inside(acme):
        document = {"steps": [{"delay_minutes": 0, "targets": [{"channel": used}]}]}
        policy = policies.create("Checkout", document)
        db.session.get_one(Channel, used).last_sent_at = clock.now()
        db.session.commit()
        policy_id = policy.id
    for page in (LIST, f"{LIST}{used}"):
        links = {link.attributes["href"] for link in Page(as_vic.get(page)).select("a")}
        assert f"/acme/settings/policies/{policy_id}" in links
        assert f"/acme/settings/deliveries?channel={used}" in links
