"""Some 170 more services by Apprise's URLs: an optional extra that the operator allows.

Apprise makes its calls itself, past the check of addresses in `core/http.py`, and some of its URLs
name files of this machine. So it is off until PHAROS_APPRISE says that every admin may do that.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from threading import Lock
from typing import Any

from console.channels.checks import faults_of, text_of
from console.channels.facts import clean, link_of, standing, subject
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.letter import text_of as words_of
from console.channels.message import Message, Verb
from console.channels.posting import redacted, secrets_of

SECONDS = 20.0
OFF = "Apprise is switched off: an operator of this console can set PHAROS_APPRISE=1."
ABSENT = "Apprise is not installed: pip install 'pharos[apprise]'."
# They notify the machine that the console runs on.
OF_THIS_MACHINE = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)
TYPES = {"bad": "failure", "warn": "warning", "good": "success", "info": "info"}
# Apart from the loop's own threads: a service that hangs must not keep the loop from ending.
_SENDERS = ThreadPoolExecutor(32, thread_name_prefix="apprise")
OF_ORGANIZATION = 4
"""Messages of one organization at once. Apprise ends no answer that comes a byte at a time: what
waits for it keeps its thread, which others need.
"""
_lock = Lock()
_under_way: Counter[str] = Counter()


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Send a message as text; Apprise says whether it arrived, and little more."""
    del thread
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)
    secrets = secrets_of(FIELDS, given)
    notified = _begun(text_of(given, "url"), clean(message), way)
    try:
        is_sent, notes = await asyncio.wait_for(notified, SECONDS)
    except TimeoutError:
        sentence = f"The service did not answer within {SECONDS:g} seconds."
        raise NotDelivered(sentence, may_have_arrived=True) from None
    answer = redacted(notes, secrets)
    if not is_sent:
        raise NotDelivered("The service did not take the message.", answer=answer)
    return Receipt(answer or "Apprise handed it over.")


def _begun(url: str, message: Message, way: Way) -> asyncio.Future[tuple[bool, str]]:
    """What Apprise comes to, in a thread; raises NotDelivered if too many have not ended."""
    home = message.organization
    with _lock:
        if _under_way[home] >= OF_ORGANIZATION:
            sentence = f"{OF_ORGANIZATION} former messages have not been answered yet."
            raise NotDelivered(sentence)
        _under_way[home] += 1
    notified = _SENDERS.submit(_notify, url, message, way)
    notified.add_done_callback(lambda _: _leave(home))
    return asyncio.wrap_future(notified)


def _leave(home: str) -> None:
    with _lock:
        _under_way[home] -= 1


def _notify(url: str, message: Message, way: Way) -> tuple[bool, str]:
    """Whether the service took it, and what Apprise noted meanwhile."""
    import apprise  # noqa: PLC0415 - an optional extra, whose import takes a while

    notes: list[str] = []
    service = apprise.Apprise()
    if not service.add(url):
        return False, "Apprise knows no such service, or the URL lacks something."
    is_sent = service.notify(
        title=subject(message),
        body=f"{words_of(message)}\n{link_of(message, way.base_url)}",
        notify_type=TYPES[standing(message).tone],
        log_callback=lambda entry, _: notes.append(entry.message),
        log_level=logging.WARNING,
    )
    return bool(is_sent), " ".join(notes)


def obstacle(way: Way) -> str:
    """Why there is no Apprise here."""
    if not way.apprise:
        return OFF
    return "" if find_spec("apprise") else ABSENT


def _faults(given: Given, way: Way) -> dict[str, str]:
    faults = faults_of(FIELDS, given)
    url = text_of(given, "url")
    scheme, separator, _ = url.partition("://")
    fault = ""
    if not separator or not scheme.isalnum() or len(url.split()) > 1:
        fault = "Enter one URL of Apprise, such as tgram://token/chat."
    elif scheme.lower() in OF_THIS_MACHINE:
        fault = f"{scheme}:// notifies the machine of this console, which nobody watches."
    if reason := obstacle(way) or fault:
        faults.setdefault("url", reason)
    return faults


FIELDS = (
    Field(
        "url",
        "Apprise URL",
        "One URL as Apprise documents it for the service. It holds the service's password.",
        is_secret=True,
        required=True,
        longest=2_000,
    ),
)

KIND = Kind(
    name="apprise",
    title="Apprise",
    icon="globe",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb),
    obstacle=obstacle,
    seconds=SECONDS + 5,
    per_second=1.0,
)
