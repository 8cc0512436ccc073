"""A channel is tried out: a test message is sent at once, and what was answered is shown."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting.delivery import health
from console.alerting.delivery.channels import given
from console.alerting.delivery.models import LONGEST_ANSWER, LONGEST_ERROR, Channel
from console.channels.kinds import Given, Kind, NotDelivered, Receipt, Way
from console.channels.message import Button, Message, Verb
from console.core import clock
from console.core.config import config
from console.core.db import db
from console.core.loops import finished

OF_ORGANIZATION, SHARE = 2, 4
"""Trials at once of one organization, and the part of the threads that all of them may take."""
_lock = Lock()
_under_way: Counter[int] = Counter()


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a test message."""

    is_delivered: bool
    sentence: str
    """What went wrong, or that nothing did."""
    answer: str
    """What the receiver answered."""
    status: int | None
    milliseconds: float

    @property
    def document(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "delivered": self.is_delivered,
            "sentence": self.sentence,
            "answer": self.answer,
            "status": self.status,
            "milliseconds": self.milliseconds,
        }


class Busy(Exception):
    """So many channels are being tried out that whoever tries another waits."""


def try_out(channel: Channel, kind: Kind, way: Way) -> Trial:
    """Send a test message to a channel and wait for the answer; raises Busy.

    Ends the transaction under way, so that nobody waits for it meanwhile.
    """
    message, began = trial_message(channel, way), time.perf_counter()
    try:
        with _place(channel.organization_id):
            settings = given(channel)
            db.session.rollback()
            receipt = finished(_delivered(kind, settings, message, way))
    except NotDelivered as failure:
        db.session.rollback()
        sentence, answer, status = str(failure), failure.answer, failure.status
        return Trial(False, sentence, answer[:LONGEST_ANSWER], status, _since(began))
    return Trial(
        True,
        f"The test message was handed over to {kind.title}.",
        receipt.answer[:LONGEST_ANSWER],
        receipt.status,
        _since(began),
    )


def note(channel: Channel, trial: Trial) -> None:
    """Keep on the channel whether it works. The caller commits."""
    if trial.is_delivered:
        health.works(channel.id, clock.now())
    else:
        health.fails(channel.id, clock.now(), trial.sentence[:LONGEST_ERROR])


def trial_message(channel: Channel, way: Way) -> Message:
    """The message that is sent to try a channel out: clearly not about an incident."""
    own = select(Organization.name, Organization.slug).where(
        Organization.id == channel.organization_id
    )
    name, slug = db.session.execute(own).one()
    page = f"{way.base_url}/{slug}/settings/channels"
    key = f"test-{channel.id}-{uuid4().hex}"
    return Message(
        key=key,
        thread=key,
        verb=Verb.TEST,
        at=clock.now(),
        title="Test message",
        headline=f"This is a test of the channel {channel.name}. Nothing is wrong.",
        severity="low",
        organization=name,
        evidence=Button("Open the channels", page),
        why="Someone pressed “Send a test message” on the channels page.",
        settings_url=page,
    )


@contextmanager
def _place(organization_id: int) -> Iterator[None]:
    """A place among the trials at once.

    Each keeps a thread that answers requests until its receiver has answered, or hangs no longer:
    the rest are for the pages.
    """
    with _lock:
        most = max(1, config().web_threads // SHARE)
        if _under_way[organization_id] >= OF_ORGANIZATION or _under_way.total() >= most:
            raise Busy("Other channels are being tried out. Wait for their answers, and try again.")
        _under_way[organization_id] += 1
    try:
        yield
    finally:
        with _lock:
            _under_way[organization_id] -= 1


async def _delivered(kind: Kind, settings: Given, message: Message, way: Way) -> Receipt:
    try:
        async with asyncio.timeout(kind.seconds):
            return await kind.deliver(settings, message, {}, way)
    except TimeoutError:
        raise NotDelivered(f"No answer within {kind.seconds:g} seconds.") from None


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
