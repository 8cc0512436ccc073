"""The one way to a mail server: hands a mail over, and says who took it and who did not."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache
from ssl import create_default_context
from typing import Any
from urllib.parse import SplitResult, unquote

from console.core.urls import split_url

SECONDS = 15.0
"""From the connection to the answer; a server that keeps the line busy ends with it, too."""
GOODBYE_SECONDS = 1.0
"""A server that took the mail, and does not answer the goodbye, is not waited for."""
PORTS = {"smtp": 25, "smtps": 465}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
END_OF_MAIL = b"\r\n.\r\n"
PERMANENT = 500
OF_CONSOLE = frozenset({530, 534, 535, 538})
"""Refusals of whoever speaks to the server, whatever the mail: RFC 4954."""

Refusal = tuple[int, str]


class MailError(RuntimeError):
    """The mail server could not be reached or refused the message; the text says why.

    A permanent refusal is one of the mail. `may_have_arrived`: the connection ended between the end
    of the mail and its answer.
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        permanent: bool = False,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.permanent = permanent
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True, slots=True)
class Handover:
    """What became of a mail: the server's answer, and the recipients that it did not accept."""

    answer: str
    status: int
    refused: Mapping[str, Refusal]


def hand_over(
    mail: EmailMessage, recipients: Sequence[str], *, smtp_url: str, seconds: float = SECONDS
) -> Handover:
    """Hand a mail to the server of `smtp[s]://user:password@host:port`; raises MailError.

    Plain SMTP is upgraded to TLS when the server offers it; without TLS, a password is sent only to
    this machine. If some recipients are accepted, they get the mail whatever becomes of the rest.
    """
    url = split_url(smtp_url)
    if url.scheme not in PORTS or not url.hostname:
        raise MailError("SMTP_URL must look like smtp://user:password@host:port", permanent=True)
    line = _Line(seconds)
    try:
        with _server(url, line) as server:
            _sign_in(server, url)
            refused = server.send_message(mail, parseaddr(mail["From"])[1], recipients)
            status, answer = line.answer
            return Handover(
                without_people(answer.decode(errors="replace")), status, _texts(refused)
            )
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _explained(error, url, line) from error


class _Line:
    """One connection: when its time is up, and how far the mail has got."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends_at = time.monotonic() + seconds
        self.is_over = False
        self.is_sent = False
        """Whether the whole mail was sent, and its answer has not come."""
        self.answer: tuple[int, bytes] = (0, b"")

    @property
    def left(self) -> float:
        """How many seconds remain; a socket takes no 0, which means another thing to it."""
        return max(self.ends_at - time.monotonic(), 0.01)


class _Utf8(str):
    """A name and password, which servers take as UTF-8: RFC 4616."""

    __slots__ = ()

    def encode(self, encoding: str = "", errors: str = "strict") -> bytes:
        del encoding  # smtplib says ASCII
        return super().encode("utf-8", errors)


class _Noting:
    """Notes on its line when the mail has been sent, and what was answered."""

    line: _Line

    def auth(self, mechanism: str, authobject: Any, **options: Any) -> tuple[int, bytes]:
        def answer(challenge: bytes | None = None) -> str | None:
            text = authobject(challenge)
            return None if text is None else _Utf8(text)

        result: tuple[int, bytes] = super().auth(mechanism, answer, **options)  # type: ignore[misc]
        return result

    def send(self, s: Any) -> None:
        super().send(s)  # type: ignore[misc]
        self.line.is_sent = isinstance(s, bytes) and s.endswith(END_OF_MAIL)

    def getreply(self) -> tuple[int, bytes]:
        answer: tuple[int, bytes] = super().getreply()  # type: ignore[misc]
        if self.line.is_sent:
            self.line.answer, self.line.is_sent = answer, False
        return answer


class _Plain(_Noting, smtplib.SMTP):
    """A server that is spoken to in clear, until it offers TLS."""


class _Encrypted(_Noting, smtplib.SMTP_SSL):
    """A server that is spoken to by TLS alone."""


@contextmanager
def _server(url: SplitResult, line: _Line) -> Iterator[smtplib.SMTP]:
    """A connection that is shut when its time is up, even if the server sends a byte a second."""
    port = url.port or PORTS[url.scheme]
    server: _Plain | _Encrypted = (
        _Encrypted(timeout=line.left, context=_trust())
        if url.scheme == "smtps"
        else _Plain(timeout=line.left)
    )
    server.line = line
    # The name that TLS checks; only the constructor sets it, and that would connect at once.
    vars(server)["_host"] = url.hostname
    clock = threading.Timer(line.left, _shut, [server, line])
    clock.daemon = True
    clock.start()
    try:
        status, greeting = server.connect(url.hostname or "", port)
        if status != 220:
            raise smtplib.SMTPConnectError(status, greeting)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # the mail is theirs by now
            if server.sock is not None:
                server.sock.settimeout(GOODBYE_SECONDS)
            server.quit()
    finally:
        clock.cancel()
        server.close()


def _shut(server: smtplib.SMTP, line: _Line) -> None:
    line.is_over = True
    if server.sock is not None:
        with suppress(OSError):  # it is closed already
            server.sock.shutdown(socket.SHUT_RDWR)


@cache
def _trust() -> ssl.SSLContext:
    return create_default_context()


def _sign_in(server: smtplib.SMTP, url: SplitResult) -> None:
    server.ehlo()
    safe = url.scheme == "smtps" or url.hostname in LOOPBACK
    if url.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=_trust())
        safe = True
    if url.username:
        if not safe:
            raise MailError(f"{url.hostname} offers no TLS, so the password was not sent")
        try:
            server.login(unquote(url.username), unquote(url.password or ""))
        except UnicodeEncodeError:  # CRAM-MD5 knows no other letters
            sentence = f"{url.hostname} takes no password with letters that are not ASCII"
            raise MailError(sentence) from None


def _texts(refused: Mapping[str, tuple[int, bytes]]) -> dict[str, Refusal]:
    return {
        address: (code, without_people(text.decode(errors="replace")))
        for address, (code, text) in refused.items()
    }


def _explained(error: Exception, url: SplitResult, line: _Line) -> MailError:
    """What the failure means for the mail: a refused password is no fault of the mail's."""
    prefix = f"{url.hostname} did not take the mail"
    if line.is_over or isinstance(error, TimeoutError):
        hint = ". Port 465 wants smtps://" if url.scheme == "smtp" and url.port == 465 else ""
        sentence = f"{prefix}: no answer within {line.seconds:g} seconds{hint}"
        return MailError(sentence, may_have_arrived=line.is_sent)
    words = f"{prefix}: {without_people(_words(error)).rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return MailError(f"{words}. It begins without TLS: use smtp://, which upgrades")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return MailError(words, status=min(codes), permanent=_is_final(min(codes)))
    if isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused):
        code = error.smtp_code
        return MailError(words, status=code, permanent=_is_final(code))
    if isinstance(error, smtplib.SMTPResponseException):
        return MailError(words, status=error.smtp_code)
    # A mail that cannot be written down is wrong next time, too; TLS and files are OSErrors.
    permanent = isinstance(error, ValueError) and not isinstance(error, OSError)
    return MailError(words, permanent=permanent, may_have_arrived=line.is_sent)


def _is_final(code: int) -> bool:
    return code >= PERMANENT and code not in OF_CONSOLE


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = error.recipients.values()
        return "; ".join(f"{code} {text.decode(errors='replace')}" for code, text in answers)
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode(errors="replace") if isinstance(text, bytes) else text
        return f"{error.smtp_code} {words}"
    return str(error)


def without_people(words: str) -> str:
    """A mail server's answer without addresses, for logs: servers quote the recipient."""
    return " ".join("…" if "@" in word else word for word in words.split())[:2000]
