"""Channels are set up, changed and deleted, with their secrets sealed. Callers commit."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import abort
from sqlalchemy import select, update

from console.accounts.models import User
from console.accounts.projects import console_url
from console.alerting.delivery.models import Channel
from console.channels.kinds import Given, Kind, NotDelivered, Way
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import (
    SealBrokenError,
    Token,
    hash_of,
    new_token,
    seal,
    unseal,
)
from console.core.db import db
from console.core.tenancy import bearer, current_organization_id, enter_organization

ENVIRONMENT = "env:"
VARIABLE = re.compile(r"PHAROS_CHANNEL_(?P<organization>[0-9]{1,10})_\w{1,100}", re.ASCII)
HOOK = "hook"
"""The name under which a channel's own token stands among its secrets."""
LONGEST_NAME = 100
MOST = 100
"""Channels of an organization."""
FULL = f"An organization has at most {MOST} channels. Delete one first."


def create(
    kind: Kind,
    name: str,
    values: Given,
    *,
    fallback_id: int | None = None,
    enabled: bool = True,
    by: User | None = None,
    actor: str = "",
) -> Channel:
    """Add a channel with settings by name, and an address at which its service reports back."""
    token, hashed = new_token(Token.HOOK)
    channel = Channel(
        name=name,
        kind=kind.name,
        settings=_open(kind, values),
        sealed=_sealed({HOOK: token, **_secret(kind, values)}),
        hook=hashed,
        enabled=enabled,
        fallback_id=fallback_id,
        created_by_id=by.id if by else None,
    )
    db.session.add(channel)
    db.session.flush()
    audit.record("channel.created", name, actor=actor, kind=kind.name)
    return channel


def change(
    channel: Channel,
    kind: Kind,
    name: str,
    values: Given,
    *,
    removed: Collection[str] = (),
    fallback_id: int | None = None,
    enabled: bool = True,
    actor: str = "",
) -> None:
    """Give a channel other settings; a secret that is not given stays, unless it is removed."""
    former = secrets_of(channel)
    kept = {name: value for name, value in former.items() if name not in removed}
    secrets = kept | _secret(kind, values)
    if HOOK not in secrets:  # its seal was broken: the former address is lost, too
        secrets[HOOK], channel.hook = new_token(Token.HOOK)
    settings = _open(kind, values)
    changed = [key for key in settings if settings[key] != channel.settings.get(key)]
    changed += [key for key in sorted({*former, *secrets}) if former.get(key) != secrets.get(key)]
    audit.record("channel.changed", name, actor=actor, kind=kind.name, fields=changed)
    channel.name, channel.settings, channel.sealed = name, settings, _sealed(secrets)
    channel.fallback_id, channel.enabled = fallback_id, enabled
    if changed:  # what was refused may be right now: nobody has tried yet
        channel.failing_since, channel.failures, channel.last_error = None, 0, ""


def delete(channel: Channel, *, actor: str = "") -> None:
    """Forget a channel's settings and secrets, and free its name; its row stays for messages."""
    audit.record("channel.deleted", channel.name, actor=actor, kind=channel.kind)
    ending = f" (deleted, {channel.id})"
    channel.name = channel.name[: LONGEST_NAME - len(ending)] + ending
    channel.settings, channel.sealed, channel.enabled = {}, b"", False
    channel.hook = new_token(Token.HOOK)[1]  # of a token that nobody gets
    channel.fallback_id, channel.deleted_at = None, clock.now()
    channel.failing_since, channel.failures, channel.last_error = None, 0, ""
    relying = update(Channel).where(Channel.fallback_id == channel.id)
    db.session.execute(relying.values(fallback_id=None))


def given(channel: Channel) -> dict[str, Any]:
    """A channel's settings with its secrets in clear; `env:NAME` is read from the environment.

    Raises NotDelivered, permanently, for one that cannot be read.
    """
    if channel.deleted_at is not None:
        raise NotDelivered("The channel was deleted.", permanent=True)
    secrets = secrets_of(channel)
    if HOOK not in secrets:
        raise NotDelivered(
            "The channel's secrets were sealed under another SECRET_KEY. Enter them again.",
            permanent=True,
        )
    secrets.pop(HOOK)
    return {**channel.settings, **{name: in_clear(value) for name, value in secrets.items()}}


def variables_of_organization() -> str:
    """How the names of the variables begin that the Session's organization may read."""
    return f"PHAROS_CHANNEL_{current_organization_id()}_"


def in_clear(value: str) -> str:
    """A secret, read from the environment if it names a variable; raises NotDelivered."""
    if not value.startswith(ENVIRONMENT):
        return value
    name = value.removeprefix(ENVIRONMENT).strip()
    # Any other variable, such as SECRET_KEY or another organization's, would be sent wherever an
    # admin wants.
    named = VARIABLE.fullmatch(name)
    if named is None or int(named["organization"]) != current_organization_id():
        raise NotDelivered(
            f"Only variables whose names begin with {variables_of_organization()} can be read.",
            permanent=True,
        )
    value = os.environ.get(name, "")
    if not value:
        raise NotDelivered(
            f"The console's environment has no variable {name}. An operator sets it.",
            permanent=True,
        )
    return value


def faults(kind: Kind, values: Given, way: Way, *, kept: Given) -> dict[str, str]:
    """What is wrong with settings, by field; `kept` are the secrets that stay if none is given."""
    wrong, clear = {}, {}
    for field in kind.fields:
        value = values.get(field.name) or kept.get(field.name, "")
        try:
            clear[field.name] = in_clear(value) if field.is_secret else value
        except NotDelivered as failure:
            wrong[field.name] = str(failure)
    return wrong or dict(kind.faults(clear, way))


def secrets_of(channel: Channel) -> dict[str, str]:
    """The secrets as they were entered, by name; empty if their seal is broken."""
    keys = (config().secret_key, *config().secret_key_fallbacks)
    try:
        secrets: dict[str, str] = json.loads(unseal(keys, channel.sealed))
    except SealBrokenError:
        return {}
    return secrets


def hook_url(channel: Channel, service: str) -> str:
    """The address at which a channel's service reports back; "" if its seal is broken."""
    token = secrets_of(channel).get(HOOK, "")
    return f"{console_url()}/hooks/{service}/{token}" if token else ""


def by_hook(token: str) -> Channel | None:
    """The channel whose service reports back with this token; its organization is entered."""
    with bearer(Channel, hash_of(token)):
        channel: Channel | None = db.session.scalar(select(Channel))
    if channel is None or channel.deleted_at is not None:
        return None
    enter_organization(channel.organization_id)
    return channel


def channels() -> Sequence[Channel]:
    """The organization's channels by name, without deleted ones."""
    own = select(Channel).where(Channel.deleted_at.is_(None))
    return db.session.scalars(own.order_by(Channel.name, Channel.id)).all()


def channel_or_404(channel_id: int) -> Channel:
    """A channel that is not deleted."""
    own = select(Channel).where(Channel.id == channel_id, Channel.deleted_at.is_(None))
    return db.session.scalar(own) or abort(404)


def is_taken(name: str, *, but: Channel | None = None) -> bool:
    """Whether another channel has this name."""
    own = select(Channel.id).where(Channel.name == name)
    return db.session.scalar(own.where(Channel.id != but.id) if but else own) is not None


def _open(kind: Kind, values: Given) -> dict[str, Any]:
    """The settings that everybody may read."""
    fields = (field for field in kind.fields if not field.is_secret)
    return {field.name: values.get(field.name) or field.default for field in fields}


def _secret(kind: Kind, values: Given) -> dict[str, str]:
    """The secrets that were given."""
    names = [field.name for field in kind.fields if field.is_secret]
    return {name: values[name] for name in names if values.get(name)}


def _sealed(secrets: Mapping[str, str]) -> bytes:
    return seal(config().secret_key, json.dumps(secrets).encode())
