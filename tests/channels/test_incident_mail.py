"""Incidents by mail: whole, threaded, harmless; a server's answers are told apart."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from console.channels.email import KIND
from console.channels.kinds import NotDelivered
from console.channels.letter import html_of, text_of
from console.channels.message import Fact, Verb
from tests.channels.messages import (
    ACKNOWLEDGE,
    ACTION,
    DIGEST,
    ESCALATE,
    RESOLVE,
    TRIGGER,
    WAY,
    delivered,
    picture,
)

TO = {"to": "ops@acme.test"}
HOSTILE = 'Grüße <script>alert(1)</script>\r\nBcc: eve@globex.test \u202egnp.exe & "quoted"'


@pytest.fixture
def way(smtp):
    return replace(WAY, smtp_url=smtp.url)


def test_a_mail_has_text_a_page_and_its_picture_inside(smtp, way):
    receipt = delivered(KIND, TO, replace(TRIGGER, picture=picture()), way)
    mail = smtp.messages[0]
    assert mail["Subject"] == f"[Critical] {TRIGGER.headline}"
    assert mail["X-Envelope-To"] == mail["To"] == "ops@acme.test"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    for fact in (
        "12.4 %",
        "217 people",
        "27 Nov 2026, 14:58 CET",
        "shop 2.4.1",
        "Step 1",
        "5 % for",
    ):
        assert fact in text
        assert fact in page
    images = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert images[0].get_content() == picture().png
    assert f'src="cid:{images[0]["Content-ID"].strip("<>")}"' in page
    assert f'alt="{picture().alt}"' in page
    assert receipt.answer == "kept"
    assert (receipt.status, receipt.reference) == (250, mail["Message-ID"])


def test_the_mails_of_an_incident_are_one_conversation(smtp, way):
    thread = delivered(KIND, TO, TRIGGER, way).thread
    over = replace(RESOLVE, headline="It recovered after 38 min", delayed_minutes=3)
    for message in (ESCALATE, ACKNOWLEDGE, over):
        thread = delivered(KIND, TO, message, way, thread).thread
    first, *later = smtp.messages
    for mail in later:
        assert mail["In-Reply-To"] == first["Message-ID"]
        assert set(first["References"].split()) < set(mail["References"].split())
    assert len({mail["Message-ID"] for mail in smtp.messages}) == 4
    states = ["[Critical]", "[Critical]", "[Acknowledged]", "[Resolved, delayed 3 min]"]
    subjects = [f"{state} {TRIGGER.headline}" for state in states]
    assert [mail["Subject"] for mail in smtp.messages] == subjects
    assert "It recovered after 38 min" in smtp.messages[-1].get_body(("plain",)).get_content()


def test_a_mail_that_is_sent_again_has_the_same_id_and_another_console_another(smtp, way):
    delivered(KIND, TO, TRIGGER, way)
    delivered(KIND, TO, TRIGGER, way)
    delivered(KIND, TO, TRIGGER, replace(way, base_url="https://elsewhere.test"))
    ids = [mail["Message-ID"] for mail in smtp.messages]
    assert ids[0] == ids[1] != ids[2]


def test_one_click_unsubscribes(smtp, way):
    delivered(KIND, TO, TRIGGER, way)
    delivered(KIND, TO, replace(TRIGGER, unsubscribe_url="javascript:alert(1)"), way)
    asked, unasked = smtp.messages
    assert asked["List-Unsubscribe"] == f"<{TRIGGER.unsubscribe_url}>"
    assert asked["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert unasked["List-Unsubscribe"] is None


def test_hostile_titles_and_names_do_no_harm(smtp, way):
    message = replace(
        TRIGGER, headline=HOSTILE, project=HOSTILE, changes=[Fact(HOSTILE, HOSTILE, "javascript:1")]
    )
    delivered(KIND, TO, message, way)
    mail = smtp.messages[0]
    page = mail.get_body(("html",)).get_content()
    assert mail["Bcc"] is None
    assert mail["X-Envelope-To"] == "ops@acme.test"
    assert "<script" not in page
    assert "Grüße &lt;script&gt;" in page
    assert "\u202e" not in page + str(mail["Subject"])
    assert "javascript:" not in page


def test_a_long_headline_is_cut_in_the_subject_alone(smtp, way):
    delivered(KIND, TO, replace(TRIGGER, headline="é" * 400), way)
    mail = smtp.messages[0]
    assert len(mail["Subject"]) <= 200
    assert "é" * 400 in mail.get_body(("plain",)).get_content()


def test_a_resolved_incident_offers_no_acknowledgement():
    assert ACTION.url in html_of(TRIGGER)
    assert ACTION.url in text_of(TRIGGER)
    assert ACTION.url not in html_of(RESOLVE) + text_of(RESOLVE)


def test_a_digest_links_every_incident():
    page = html_of(DIGEST)
    assert page.count(TRIGGER.incident_url) == 2
    assert TRIGGER.headline in text_of(DIGEST)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ops",
        "ops@acme.test\r\nBcc: eve@globex.test",
        "Ops <ops@acme.test>",
        "ops@acme.test, not-an-address",
        "ops@@acme.test",
        ",".join(f"{number}@acme.test" for number in range(21)),
        f"{'a' * 70}@acme.test",
        "ada@" + "ü" * 300,
        "grüße@acme.test",
        "ada..lovelace@acme.test",
        ".ada@acme.test",
        "ada.@acme.test",
    ],
)
def test_addresses_that_are_none_are_refused_beside_their_field(smtp, way, to):
    assert set(KIND.faults({"to": to}, way)) == {"to"}
    with pytest.raises(NotDelivered) as refusal:
        delivered(KIND, {"to": to}, TRIGGER, way)
    assert refusal.value.permanent
    assert smtp.messages == []


def test_several_addresses_share_a_mail(smtp, way):
    delivered(KIND, {"to": "ops@acme.test, ada@acme.test\nops@acme.test"}, TRIGGER, way)
    assert smtp.messages[0]["X-Envelope-To"] == "ops@acme.test, ada@acme.test"


def test_a_domain_may_have_letters_that_are_not_ascii(smtp, way):
    delivered(KIND, {"to": "ada@müller.test"}, TRIGGER, way)
    assert smtp.messages[0]["X-Envelope-To"] == "ada@xn--mller-kva.test"


def test_a_sender_may_have_a_domain_with_letters_that_are_not_ascii(smtp, way):
    delivered(KIND, TO, TRIGGER, replace(way, mail_from="Grüße <pharos@müller.test>"))
    assert smtp.messages[0]["From"] == "Grüße <pharos@xn--mller-kva.test>"


@pytest.mark.parametrize(
    ("refusal", "permanent"),
    [("451 later", False), ("554 spam", True), ("530 login needed", False)],
)
def test_a_refusal_is_permanent_by_its_number(smtp, way, refusal, permanent):
    smtp.refusal = refusal
    with pytest.raises(NotDelivered, match=refusal.split()[1]) as error:
        delivered(KIND, TO, TRIGGER, way)
    assert error.value.permanent is permanent
    assert error.value.status == int(refusal[:3])
    assert not error.value.may_have_arrived


def test_only_those_who_were_refused_get_the_second_try(smtp, way):
    message = replace(TRIGGER, key="incident-8-1-channel-3")
    to = {"to": "ops@acme.test, ada@acme.test"}
    smtp.refused_recipients = {"ada@acme.test": "451 mailbox busy"}
    with pytest.raises(NotDelivered, match=r"1 of 2 addresses: ada@acme\.test: 451") as error:
        delivered(KIND, to, message, way)
    assert not error.value.permanent
    smtp.refused_recipients = {}
    delivered(KIND, to, message, way)
    assert [mail["X-Envelope-To"] for mail in smtp.messages] == ["ops@acme.test", "ada@acme.test"]
    assert smtp.messages[0]["Message-ID"] == smtp.messages[1]["Message-ID"]


def test_a_connection_that_ends_after_the_mail_may_have_delivered_it(smtp, way):
    smtp.drops = True
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, TO, TRIGGER, way)
    assert error.value.may_have_arrived
    assert not error.value.permanent
    assert len(smtp.messages) == 1


def test_a_server_that_hangs_ends_in_time(smtp, way, monkeypatch):
    smtp.hangs = True
    monkeypatch.setattr("console.channels.email.SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(NotDelivered, match=r"no answer within 0\.5 seconds") as error:
        delivered(KIND, TO, TRIGGER, way)
    assert time.monotonic() - began < 3
    assert error.value.may_have_arrived


def test_a_server_that_sends_a_byte_now_and_then_ends_in_time(monkeypatch):
    monkeypatch.setattr("console.channels.email.SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=[server], daemon=True).start()
        way = replace(WAY, smtp_url=f"smtp://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(NotDelivered, match="no answer within") as error:
            delivered(KIND, TO, TRIGGER, way)
    assert time.monotonic() - began < 3
    assert not error.value.may_have_arrived


def drip(server):
    connection, _ = server.accept()
    with connection:
        for _ in range(100):
            try:
                connection.sendall(b"2")
            except OSError:
                return
            time.sleep(0.1)


def test_a_console_without_a_mail_server_says_so(way):
    with pytest.raises(NotDelivered, match="set SMTP_URL") as error:
        delivered(KIND, TO, TRIGGER, replace(way, smtp_url=""))
    assert error.value.permanent
    assert "SMTP_URL" in KIND.faults(TO, replace(way, smtp_url=""))["to"]


def test_the_state_is_the_first_word_of_a_subject(smtp, way):
    for verb, state in ((Verb.UPDATE, "acknowledged"), (Verb.ESCALATE, "open")):
        delivered(KIND, TO, replace(TRIGGER, verb=verb, state=state, delayed_minutes=12), way)
    assert [mail["Subject"] for mail in smtp.messages] == [
        f"[Critical, acknowledged, delayed 12 min] {TRIGGER.headline}",
        f"[Critical, delayed 12 min] {TRIGGER.headline}",
    ]
