"""Many messages to one receiver at once become one, which lists their incidents: never silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.alerting.delivery import bell
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.delivery.order import is_leased, owed_at
from console.channels.message import Verb
from console.core.db import db

MOST, WITHIN = 10, timedelta(minutes=1)
"""So many messages go to one receiver by themselves in such a time."""
APART_FROM_ALL = frozenset({Verb.DIGEST, Verb.DEPLOY, Verb.REPORT})
"""Messages that no list takes in."""
APART = timedelta(seconds=30)
"""Between two lists of incidents, and how long a single message of a storm waits for others."""


def bundled(recipient: str, ready: list[OutboxMessage], now: datetime) -> list[OutboxMessage]:
    """What is to be sent of what may go now: the messages themselves, or one that lists them.

    Whatever is kept back is looked at again in some seconds.
    """
    lists = [row for row in ready if row.verb in APART_FROM_ALL]
    own = [row for row in ready if row.verb not in APART_FROM_ALL]
    kept = [row for row in own if row.payload.get("digest")]
    loud = [row for row in own if not row.payload.get("digest")]
    if len(kept) > 1:
        lists.append(_listing(recipient, kept, now, is_storm=False))
        kept = []
    if not loud or len(loud) + _sent_lately(recipient, now) <= MOST:
        return [*lists, *loud, *kept]
    last = _last_list(recipient)
    if last is not None and last.state is MessageState.WAITING and not last.attempts:
        if not is_leased(last, now):
            _join(last, loud)
        return [*lists, *kept]
    begin = last.created_at + APART if last else now
    if len(loud) == 1:
        begin = max(begin, loud[0].next_at + APART)
    if now < begin:
        bell.poke(begin)
        return [*lists, *kept]
    return [*lists, *(loud if len(loud) == 1 else [_listing(recipient, loud, now)]), *kept]


def _sent_lately(recipient: str, now: datetime) -> int:
    own = select(func.count(OutboxMessage.id)).where(
        OutboxMessage.recipient == recipient, OutboxMessage.sent_at > now - WITHIN
    )
    return db.session.scalar(own) or 0


def _last_list(recipient: str) -> OutboxMessage | None:
    own = select(OutboxMessage).where(
        OutboxMessage.recipient == recipient,
        OutboxMessage.verb == Verb.DIGEST,
        OutboxMessage.incident_id.is_(None),
    )
    return db.session.scalar(own.order_by(OutboxMessage.id.desc()).limit(1))


def _listing(
    recipient: str, rows: Sequence[OutboxMessage], now: datetime, *, is_storm: bool = True
) -> OutboxMessage:
    """A message that lists others, which are merged into it."""
    digest = OutboxMessage(
        key=f"digest-{max(row.id for row in rows)}-{recipient}",
        recipient=recipient,
        channel_id=rows[0].channel_id,
        user_id=rows[0].user_id,
        verb=Verb.DIGEST,
        payload={
            "storm": is_storm,
            "at": now.isoformat(),
            "owed_at": min(owed_at(row) for row in rows).isoformat(),
        },
        created_at=now,
        next_at=now,
    )
    db.session.add(digest)
    db.session.flush()
    _join(digest, rows)
    return digest


def _join(digest: OutboxMessage, rows: Sequence[OutboxMessage]) -> None:
    for row in rows:
        row.state, row.merged_into_id = MessageState.MERGED, digest.id
