"""What every page says while messages are not delivered; it is read from memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, url_for

from console.alerting.delivery import holds, log
from console.alerting.delivery.models import HoldReason
from console.core.db import db, reading
from console.web.filters import plural
from console.web.notices import Notice, add_source

EXTENSION = "pharos.undelivered"
MOST = 3
LINK, HELD_LINK = "Deliveries", "Decide what is sent"
CHANNEL_LINK, CHANNELS_LINK = "See the channel", "See all channels"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an organization's people should know of its messages."""

    undelivered: str = ""
    failing: tuple[tuple[int, str], ...] = ()
    """Channels that do not work, by their ids, each with a sentence."""
    more: str = ""
    """That there are others like them."""
    hold: str = ""
    """That nothing is delivered, and why; "" while messages are."""


def init_app(app: Flask) -> None:
    """Show on every page of an organization what is not delivered."""
    add_source(app, _notices)


def forget(app: Flask) -> None:
    """Know nothing of any organization yet."""
    app.extensions[EXTENSION] = {}


def refresh(organization_id: int) -> None:
    """Look at the messages of the Session's organization; ends the transaction."""
    with reading():
        trouble = _trouble()
        db.session.rollback()
    current_app.extensions[EXTENSION][organization_id] = trouble


def _hold() -> str:
    held = holds.present()
    if held is None:
        return ""
    why = "because a backup was restored" if held.reason is HoldReason.RESTORED else "by hand"
    return f"Delivery is held, {why}: no message about an incident leaves the console."


def _trouble() -> Trouble:
    failing = log.failing_channels()
    named = (
        (channel.id, f"The channel {channel.name} does not work: {channel.last_error.rstrip('.')}.")
        for channel in failing[:MOST]
    )
    return Trouble(_undelivered(), tuple(named), _more(len(failing) - MOST), _hold())


def _undelivered() -> str:
    undelivered = log.undelivered()
    if not undelivered.count:
        return ""
    were = "was" if undelivered.count == 1 else "were"
    why = undelivered.error.rstrip(".")
    reason = f": {why}." if why else "."
    return f"{plural(undelivered.count, 'message')} {were} not delivered{reason}"


def _more(count: int) -> str:
    if count <= 0:
        return ""
    return f"{plural(count, 'more channel')} {'does' if count == 1 else 'do'} not work."


def _notices(organization: Any) -> Iterator[Notice]:
    trouble: Trouble = current_app.extensions[EXTENSION].get(organization.id, Trouble())
    if trouble.hold:
        page = url_for("deliveries.deliveries", organization=organization.slug)
        yield Notice(trouble.hold, "bad", page, HELD_LINK)
    at = {"organization": organization.slug}
    if trouble.undelivered:
        page = url_for("deliveries.deliveries", state="undelivered", **at)
        yield Notice(trouble.undelivered, "bad", page, LINK)
    for channel_id, sentence in trouble.failing:
        page = url_for("channels.channel", channel_id=channel_id, **at)
        yield Notice(sentence, "bad", page, CHANNEL_LINK)
    if trouble.more:
        yield Notice(trouble.more, "bad", url_for("channels.channels", **at), CHANNELS_LINK)
