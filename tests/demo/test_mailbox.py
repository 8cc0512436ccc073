"""The demonstration's mailbox: what the console's own code sends to it is there to be read."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from console.channels import email
from demo.mailbox import Mailbox


@pytest.fixture
def mailbox():
    return Mailbox().open(0)


def page(mailbox: Mailbox, path: str = "/") -> str:
    with urlopen(mailbox.url + path, timeout=5) as answer:
        content: bytes = answer.read()
        return content.decode()


def send(mailbox: Mailbox, subject: str, text: str, html: str = "") -> None:
    mail = email.Mail(to="alice@shop.example", subject=subject, text=text, html=html)
    email.send(mail, smtp_url=mailbox.smtp_url, sender="pharos@shop.example")


def test_a_mail_is_listed_and_shown_as_it_was_sent(mailbox):
    assert "No mail has come yet" in page(mailbox)
    send(mailbox, "Checkout fails", "It fails.\n.\n..since noon", "<p>It <b>fails</b></p>")
    listed = page(mailbox)
    assert "Checkout fails" in listed
    assert "alice@shop.example" in listed
    assert "<b>fails</b>" in page(mailbox, "/1/html")
    assert "It fails.\n.\n..since noon" in page(mailbox, "/1").replace("\r\n", "\n")


def test_a_mail_runs_nothing_and_its_subject_is_text(mailbox):
    send(mailbox, "<script>x</script>", "text", "<script>x</script>")
    assert "<script>" not in page(mailbox)
    with urlopen(f"{mailbox.url}/1/html", timeout=5) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert 'sandbox="' in page(mailbox, "/1")


def test_a_mail_that_is_not_there_is_not_found(mailbox):
    for path in ("/1", "/0", "/x", "/1/html"):
        with pytest.raises(HTTPError, match="404"):
            page(mailbox, path)


def test_a_webhook_s_messages_stand_in_the_chat(mailbox):
    body = json.dumps({"text": "It <fails>"}).encode()
    urlopen(Request(f"{mailbox.url}/chat", body), timeout=5).close()
    assert "It &lt;fails&gt;" in page(mailbox, "/chat")
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(f"{mailbox.url}/chat", b"no JSON"), timeout=5)
