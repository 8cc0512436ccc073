"""Mail over SMTP."""

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ssl import create_default_context
from urllib.parse import SplitResult, unquote

from console.core.urls import split_url

SECONDS = 10.0
PORTS = {"smtp": 25, "smtps": 465}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailError(RuntimeError):
    """The mail server could not be reached or refused the message; the text says why."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: plain text, and the same as HTML where there is more to show."""

    to: str
    subject: str
    text: str
    html: str = ""


def send(mail: Mail, *, smtp_url: str, sender: str) -> None:
    """Hand a message to the server of `smtp[s]://user:password@host:port`; raises MailError.

    Plain SMTP is upgraded to TLS when the server offers it; without TLS, a password is sent only to
    this machine.
    """
    url = split_url(smtp_url)
    if url.scheme not in PORTS or not url.hostname:
        raise MailError("SMTP_URL must look like smtp://user:password@host:port")
    try:
        with _server(url) as server:
            _sign_in(server, url)
            server.send_message(_composed(mail, sender))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailError(
            f"{url.hostname} did not take the mail: {_without_people(error)}"
        ) from error


def _without_people(error: Exception) -> str:
    """A mail server's answer without addresses, for logs: servers quote the recipient."""
    words = str(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        words = "; ".join(f"{code} {text!r}" for code, text in error.recipients.values())
    return " ".join("…" if "@" in word else word for word in words.split())


def _server(url: SplitResult) -> smtplib.SMTP:
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    if url.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=create_default_context())
    return smtplib.SMTP(host, port, timeout=SECONDS)


def _sign_in(server: smtplib.SMTP, url: SplitResult) -> None:
    server.ehlo()
    safe = url.scheme == "smtps" or url.hostname in LOOPBACK
    if url.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=create_default_context())
        safe = True
    if url.username:
        if not safe:
            raise MailError(f"{url.hostname} offers no TLS, so the password was not sent")
        server.login(unquote(url.username), unquote(url.password or ""))


def _composed(own: Mail, sender: str) -> EmailMessage:
    mail = EmailMessage()  # refuses line breaks in headers, so that none can be smuggled in
    mail["From"], mail["To"], mail["Subject"] = sender, own.to, own.subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(own.text)
    if own.html:
        mail.add_alternative(own.html, subtype="html")
    return mail
