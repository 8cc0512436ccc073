"""The mail server of the demonstration, and what came to it as pages: for people to look at.

It takes any mail, keeps the latest and passes none on. It takes messages of a webhook as well, as a
chat would.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import cast

KEPT, LONGEST_MAIL, LONGEST_LINE = 300, 20 << 20, 4_096
SECONDS = 60.0
CHAT = "/chat"
# Mails bring their own styles and show their own pictures; nothing of them runs or calls out.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
STYLE = """
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 820px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 18px; } a { color: inherit; }
ul { list-style: none; padding: 0; } li { padding: 8px 0; border-bottom: 1px solid #8884; }
small { opacity: .7; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
iframe { width: 100%; height: 75vh; border: 1px solid #8884; border-radius: 6px; background: #fff; }
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it came."""

    to: Sequence[str]
    at: datetime
    mail: EmailMessage

    @property
    def subject(self) -> str:
        """Its subject, in words."""
        return str(self.mail["Subject"] or "(no subject)")

    def body(self, kind: str) -> str:
        """Its text as "plain" or "html"; "" where it has none."""
        part = self.mail.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""

    def picture(self, content_id: str) -> tuple[str, bytes] | None:
        """A picture that stands inside it, with its type."""
        for part in self.mail.walk():
            if str(part["Content-ID"] or "").strip("<>") == content_id:
                return part.get_content_type(), cast("bytes", part.get_payload(decode=True))
        return None


@dataclass(slots=True)
class Mailbox:
    """What came, the latest first; both servers run until the program ends."""

    letters: deque[Letter] = field(default_factory=lambda: deque(maxlen=KEPT))
    chat: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    smtp_url: str = ""
    url: str = ""

    def open(self, port: int) -> Mailbox:
        """Take mails on a free port, and show them on this one, on a free one if it is taken."""
        box = self

        class MailDesk(_MailDesk):
            mailbox = box

        class PageDesk(_PageDesk):
            mailbox = box

        mails = _Mails(("127.0.0.1", 0), MailDesk)
        try:
            pages = ThreadingHTTPServer(("127.0.0.1", port), PageDesk)
        except OSError:
            pages = ThreadingHTTPServer(("127.0.0.1", 0), PageDesk)
        for server, name in ((mails, "mail-server"), (pages, "mailbox")):
            threading.Thread(target=server.serve_forever, name=name, daemon=True).start()
        self.smtp_url = f"smtp://127.0.0.1:{mails.server_address[1]}"
        self.url = f"http://127.0.0.1:{pages.server_address[1]}"
        return self

    def take(self, to: Sequence[str], content: bytes) -> None:
        """Keep a mail."""
        mail = BytesParser(policy=policy.default).parsebytes(content)
        self.letters.appendleft(Letter(to, datetime.now(UTC), mail))


class _Mails(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _MailDesk(StreamRequestHandler):
    """Speaks as much SMTP (RFC 5321) as it takes to receive mail."""

    mailbox: Mailbox
    timeout = SECONDS

    def handle(self) -> None:
        """Take mails until the client leaves."""
        self._say(220, "mailbox of the demonstration")
        to: list[str] = []
        for line in iter(lambda: self.rfile.readline(LONGEST_LINE), b""):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say(250, "mailbox", "8BITMIME", "SMTPUTF8")
                case "RCPT":
                    to.append(rest.partition(":")[2].strip().strip("<>"))
                    self._say(250, "OK")
                case "DATA" if to:
                    self._say(354, "end with a dot")
                    self._take(to)
                    to = []
                case "DATA":
                    self._say(503, "to whom?")
                case "RSET":
                    to = []
                    self._say(250, "OK")
                case "HELO" | "MAIL" | "NOOP":
                    self._say(250, "OK")
                case "QUIT":
                    self._say(221, "bye")
                    return
                case _:
                    self._say(502, "not here")

    def _take(self, to: Sequence[str]) -> None:
        content = b"".join(self._lines())
        if len(content) > LONGEST_MAIL:
            self._say(552, "too large")
            return
        self.mailbox.take(to, content)
        self._say(250, "taken")

    def _lines(self) -> Iterator[bytes]:
        """The lines of a mail, without the dots that SMTP adds."""
        size = 0
        for line in iter(self.rfile.readline, b""):
            if line in (b".\r\n", b".\n"):
                return
            size += len(line)
            if size <= LONGEST_MAIL + LONGEST_LINE:
                yield line.removeprefix(b".") if line.startswith(b"..") else line

    def _say(self, code: int, *lines: str) -> None:
        for number, line in enumerate(lines, 1):
            mark = " " if number == len(lines) else "-"
            self.wfile.write(f"{code}{mark}{line}\r\n".encode())


class _PageDesk(BaseHTTPRequestHandler):
    """Shows what came, and takes what a webhook brings."""

    mailbox: Mailbox

    def do_GET(self) -> None:
        """Answer a page, a mail's text or a picture of it."""
        parts = self.path.partition("?")[0].strip("/").split("/", 2)
        if parts == [""]:
            self._page("Mailbox", self._list(), refresh=True)
        elif parts == ["chat"]:
            self._page("#ops", self._chat(), refresh=True)
        else:
            self._mail(parts)

    def do_POST(self) -> None:
        """Take a message of a webhook: its `text`, or all of it."""
        content = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LONGEST_MAIL))
        try:
            document = json.loads(content)
        except ValueError:
            self._answer(400, "text/plain", b"not JSON")
            return
        text = document.get("text") if isinstance(document, dict) else None
        words = text if isinstance(text, str) else json.dumps(document, indent=2)
        self.mailbox.chat.appendleft((datetime.now(UTC), words))
        self._answer(200, "application/json", b'{"taken": true}')

    def _mail(self, parts: Sequence[str]) -> None:
        letters = list(self.mailbox.letters)
        # They are numbered from the oldest, so that an address stays while others come.
        place = len(letters) - int(parts[0]) if parts[0].isdecimal() else -1
        if not 0 <= place < len(letters):
            self._answer(404, "text/plain", b"There is no such mail.")
            return
        letter, wanted = letters[place], parts[1] if len(parts) > 1 else ""
        if wanted == "html":
            html = letter.body("html").replace("cid:", f"/{parts[0]}/part/")
            self._answer(200, "text/html; charset=utf-8", html.encode(), MAIL_POLICY)
        elif wanted == "part" and (picture := letter.picture(parts[2] if len(parts) > 2 else "")):
            self._answer(200, *picture)
        else:
            self._page(letter.subject, _shown(parts[0], letter))

    def _list(self) -> str:
        letters = list(self.mailbox.letters)
        rows = [
            f'<li><a href="/{len(letters) - place}">{escape(letter.subject)}</a><br><small>to'
            f" {escape(', '.join(letter.to))}, {letter.at:%H:%M:%S} UTC</small></li>"
            for place, letter in enumerate(letters)
        ]
        empty = "<p>No mail has come yet. The page looks again every few seconds.</p>"
        return f'<p><a href="{CHAT}">#ops</a></p>' + (
            f"<ul>{''.join(rows)}</ul>" if rows else empty
        )

    def _chat(self) -> str:
        rows = [
            f"<li><small>{at:%H:%M:%S} UTC</small><pre>{escape(text)}</pre></li>"
            for at, text in list(self.mailbox.chat)
        ]
        empty = "<p>No message has come yet.</p>"
        return f'<p><a href="/">Mailbox</a></p>{_listed(rows) or empty}'

    def _page(self, title: str, body: str, *, refresh: bool = False) -> None:
        again = '<meta http-equiv="refresh" content="5">' if refresh else ""
        page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
            f"<body><h1>{escape(title)}</h1>{body}</body></html>"
        )
        self._answer(200, "text/html; charset=utf-8", page.encode())

    def _answer(self, status: int, kind: str, content: bytes, allowed: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if allowed:
            self.send_header("Content-Security-Policy", allowed)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _listed(rows: Sequence[str]) -> str:
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def _shown(number: str, letter: Letter) -> str:
    """A mail as its reader sees it, and its text below."""
    html = letter.body("html")
    frame = (
        f'<iframe src="/{number}/html" title="The mail" sandbox="allow-popups'
        ' allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"></iframe>'
    )
    return (
        f'<p><a href="/">Mailbox</a> <small>from {escape(str(letter.mail["From"]))} to'
        f" {escape(', '.join(letter.to))}, {letter.at:%H:%M:%S} UTC</small></p>"
        f"{frame if html else ''}<details{'' if html else ' open'}><summary>Text</summary>"
        f"<pre>{escape(letter.body('plain'))}</pre></details>"
    )
