"""E-mail: the console's own mails, and incidents to people and lists."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from threading import Lock
from typing import Any

from console.channels import smtp
from console.channels.checks import faults_of
from console.channels.facts import clean
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.letter import letter, threaded
from console.channels.message import Message, Verb
from console.channels.smtp import PERMANENT, SECONDS, Handover, MailError

MOST_ADDRESSES = 20
LONGEST_ADDRESS = 254
UNSET = "This console sends no mail yet: its operator has to set SMTP_URL."
# Letters that addresses have, and nothing by which another header or name could begin.
_ADDRESS = re.compile(
    r"[^\s@,;:<>()\[\]\"\\\x00-\x20\x7f]{1,64}@[^\s@,;:<>()\[\]\"\\\x00-\x20\x7f]{1,189}"
)
_SEPARATORS = re.compile(r"[\s,;]+")
# Apart from the loop's own threads: a server that hangs must not keep the loop from ending.
# As many as delivery tries at once: addresses at which a server is slow keep no others waiting.
_SENDERS = ThreadPoolExecutor(128, thread_name_prefix="smtp")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the console itself: plain text, and the same as HTML where there is more."""

    to: str
    subject: str
    text: str
    html: str = ""


def send(mail: Mail, *, smtp_url: str, sender: str) -> None:
    """Hand a mail to the server of `smtp[s]://user:password@host:port`; raises MailError."""
    try:
        composed = _composed(mail, plain_sender(sender))
    except ValueError as error:
        reason = smtp.without_people(str(error))
        raise MailError(f"the mail cannot be written: {reason}", permanent=True) from error
    smtp.hand_over(composed, [_with_plain_domain(mail.to)], smtp_url=smtp_url)


def addresses(given: Given) -> list[str]:
    """The addresses that a channel's mails go to, each once."""
    value = given.get("to") or ""
    texts = _SEPARATORS.split(value) if isinstance(value, str) else [str(part) for part in value]
    return list(dict.fromkeys(_with_plain_domain(text) for text in texts if text))


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Mail a message to the channel's addresses; raises NotDelivered."""
    to, message = addresses(given), clean(message)
    if not way.smtp_url:
        raise NotDelivered(UNSET, permanent=True)
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)
    sender = plain_sender(way.mail_from)
    mail = letter(message, to, sender=sender, base_url=way.base_url, thread=thread)
    recipients = _TAKEN.left(message.key, to)
    loop = asyncio.get_running_loop()
    try:
        handover = await loop.run_in_executor(_SENDERS, _hand_over, mail, recipients, way)
    except MailError as error:
        raise NotDelivered(
            f"{str(error)[:1].upper()}{str(error)[1:]}.",
            permanent=error.permanent,
            status=error.status,
            may_have_arrived=error.may_have_arrived,
        ) from error
    _require_all(message.key, recipients, handover)
    return Receipt(
        handover.answer, handover.status, str(mail["Message-ID"]), threaded(mail, thread)
    )


class _Taken:
    """Who has got which mail that not everybody got: a second try goes to the rest alone."""

    MOST = 1_000

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._lock = Lock()

    def left(self, key: str, to: Sequence[str]) -> list[str]:
        """The addresses that have not got it; all of them if nobody is left."""
        with self._lock:
            taken = self._by_key.get(key, frozenset())
        return [address for address in to if address not in taken] or list(to)

    def add(self, key: str, addresses: Collection[str]) -> None:
        """Note that these have got it."""
        with self._lock:
            self._by_key[key] = self._by_key.pop(key, frozenset()) | frozenset(addresses)
            while len(self._by_key) > self.MOST:
                self._by_key.popitem(last=False)


_TAKEN = _Taken()


def _hand_over(mail: EmailMessage, recipients: Sequence[str], way: Way) -> Handover:
    return smtp.hand_over(mail, recipients, smtp_url=way.smtp_url, seconds=SECONDS)


def _require_all(key: str, recipients: Sequence[str], handover: Handover) -> None:
    """Raise NotDelivered if the server took the mail for some of its recipients alone."""
    if not handover.refused:
        return
    _TAKEN.add(key, set(recipients) - set(handover.refused))
    codes = [code for code, _ in handover.refused.values()]
    refusals = [f"{address}: {code} {text}" for address, (code, text) in handover.refused.items()]
    raise NotDelivered(
        f"The mail server refused {len(refusals)} of {len(recipients)} addresses: "
        f"{'; '.join(refusals)}. The rest have the mail.",
        permanent=min(codes) >= PERMANENT,
        status=min(codes),
    )


def _faults(given: Given, way: Way) -> dict[str, str]:
    to = addresses(given)
    wrong = [address for address in to if not is_address(address)]
    faults = faults_of(FIELDS, {"to": " ".join(to)})
    if wrong:
        faults["to"] = f"{wrong[0]!r} is no e-mail address."
    elif len(to) > MOST_ADDRESSES:
        faults["to"] = f"At most {MOST_ADDRESSES} addresses, not {len(to)}."
    elif to and not way.smtp_url:
        faults["to"] = UNSET
    return faults


def plain_sender(sender: str) -> str:
    """A sender, with or without a name, whose domain is spelled as servers know it."""
    name, address = parseaddr(sender)
    plain = _with_plain_domain(address)
    return sender if plain == address else str(Address(display_name=name, addr_spec=plain))


def _with_plain_domain(address: str) -> str:
    """An address whose domain is spelled as servers know it: ada@xn--mller-kva.test."""
    name, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{name}{at}{domain.encode('idna').decode()}"
    except UnicodeError:  # no domain: it is refused as what it is
        return address


def _obstacle(way: Way) -> str:
    return "" if way.smtp_url else UNSET


def is_address(text: str) -> bool:
    """Whether a text is an e-mail address, and nothing else: no name, no second header."""
    if len(text) > LONGEST_ADDRESS or not (text.isascii() and _ADDRESS.fullmatch(text)):
        return False
    try:
        Address(addr_spec=text)  # no dot at the beginning, nor two in a row
    except (ValueError, MessageError):
        return False
    return True


def _composed(mail: Mail, sender: str) -> EmailMessage:
    composed = EmailMessage()  # refuses line breaks in headers, so that none can be smuggled in
    composed["From"], composed["To"] = sender, _with_plain_domain(mail.to)
    composed["Subject"] = mail.subject
    composed["Date"] = formatdate()
    composed["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    composed.set_content(mail.text)
    if mail.html:
        composed.add_alternative(mail.html, subtype="html")
    return composed


FIELDS = (
    Field(
        "to",
        "Addresses",
        "One address, or several with commas between them. Everybody sees the whole list.",
        required=True,
        longest=2_000,
    ),
)

KIND = Kind(
    name="email",
    title="E-mail",
    icon="mail",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb),
    obstacle=_obstacle,
)
