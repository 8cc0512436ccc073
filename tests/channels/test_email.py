"""Mail reaches a server, whole and harmless, or the failure says why."""

from dataclasses import replace

import pytest

from console.channels.email import Mail, send
from console.channels.smtp import MailError
from tests.fakes.smtp import free_port

MESSAGE = Mail("ada@acme.test", "Grüße", "Text with ümlauts", "<p>Text</p>")


def test_it_arrives_with_both_bodies(smtp):
    send(MESSAGE, smtp_url=smtp.url, sender="Pharos <pharos@acme.test>")
    mail = smtp.messages[0]
    assert (mail["From"], mail["Subject"]) == ("Pharos <pharos@acme.test>", "Grüße")
    assert mail["X-Envelope-To"] == "ada@acme.test"
    assert mail["Message-ID"].endswith("@acme.test>")
    assert mail["Date"]
    assert mail.get_body(("plain",)).get_content().strip() == "Text with ümlauts"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Text</p>"


def test_domains_may_have_letters_that_are_not_ascii(smtp):
    mail = Mail(to="ada@müller.test", subject="Hello", text="Hello")
    send(mail, smtp_url=smtp.url, sender="pharos@müller.test")
    assert smtp.messages[0]["X-Envelope-To"] == "ada@xn--mller-kva.test"
    assert smtp.messages[0]["From"] == "pharos@xn--mller-kva.test"


@pytest.mark.parametrize("field", ["to", "subject"])
def test_headers_cannot_be_smuggled_in(smtp, field):
    with pytest.raises(MailError):
        send(
            replace(MESSAGE, **{field: "x@y.test\r\nBcc: z@y.test"}),
            smtp_url=smtp.url,
            sender="pharos@acme.test",
        )
    assert smtp.messages == []


def test_a_refusal_says_why(smtp):
    smtp.refusal = "550 no such person"
    with pytest.raises(MailError, match="no such person"):
        send(MESSAGE, smtp_url=smtp.url, sender="pharos@acme.test")


@pytest.mark.parametrize("refusal", ["550 <{}>: no such person", "451 {} is not known here"])
@pytest.mark.parametrize("to", ["refusal", "refused_recipients"])
def test_a_refusal_names_nobody(smtp, refusal, to):
    """The words go to the log, and servers quote whom the mail was for."""
    words = refusal.format(MESSAGE.to)
    setattr(smtp, to, words if to == "refusal" else {MESSAGE.to: words})
    with pytest.raises(MailError) as error:
        send(MESSAGE, smtp_url=smtp.url, sender="pharos@acme.test")
    assert MESSAGE.to not in str(error.value)
    assert "person" in str(error.value) or "not known" in str(error.value)
    assert error.value.permanent is refusal.startswith("5")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://mail.test", "must look like"),
        ("smtp://", "must look like"),
        ("smtp://127.0.0.1:{}", "did not take the mail"),
        ("smtps://127.0.0.1:{}", "did not take the mail"),
    ],
)
def test_a_server_that_is_not_there(url, said):
    with pytest.raises(MailError, match=said):
        send(MESSAGE, smtp_url=url.format(free_port()), sender="pharos@acme.test")


def test_a_password_goes_nowhere_without_tls(smtp, monkeypatch):
    monkeypatch.setattr("console.channels.smtp.LOOPBACK", frozenset())
    url = smtp.url.replace("smtp://", "smtp://user:secret@")
    with pytest.raises(MailError, match="the password was not sent"):
        send(MESSAGE, smtp_url=url, sender="pharos@acme.test")
