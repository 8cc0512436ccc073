"""A real mail server on this machine that keeps what it is given, or fails as a test wants."""

import asyncio
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
        self.refused_recipients: dict[str, str] = {}  # address -> what it is answered
        self.delay = 0.0  # seconds between the end of a message and its answer
        self.hangs = False  # whether a message is never answered
        self.drops = False  # whether the connection ends after a message was kept
        self.url = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Accept a recipient, or refuse it."""
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Any, envelope: Any
    ) -> str:
        """Keep a message, with its envelope's recipients, or refuse it."""
        if self.refusal:
            return self.refusal
        if self.hangs:
            await asyncio.sleep(3_600)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        if self.drops:
            server.transport.abort()
        await asyncio.sleep(self.delay)
        return "250 kept"


@contextmanager
def serving(port: int = 0) -> Iterator[Mailbox]:
    """Listen on a port, free if 0, for as long as the test runs."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port or free_port())
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
