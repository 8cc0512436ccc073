"""A real mail server on this machine that keeps what it is given."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """What has arrived, in order; `url` is what SMTP_URL must say."""

    def __init__(self) -> None:
        """Start empty and not yet listening."""
        self.messages: list[EmailMessage] = []
        self.refusal = ""  # what every message is answered from now on, e.g. "451 come back later"
        self.url = ""

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Keep a message, with its envelope's recipients, or refuse it."""
        if self.refusal:
            return self.refusal
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 kept"


@contextmanager
def serving() -> Iterator[Mailbox]:
    """Listen on a free port for as long as the test runs."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield mailbox
    finally:
        controller.stop()


def free_port() -> int:
    """Return a TCP port that nobody listens on (aiosmtpd cannot tell which one it was given)."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
