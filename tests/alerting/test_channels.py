"""Channels keep their secrets: sealed at rest, or read from variables that are meant for it."""

import pytest
from sqlalchemy import select

from console.alerting.delivery import channels
from console.alerting.delivery.models import Channel
from console.channels.checks import faults_of
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.core.audit import AuditEntry
from console.core.crypto import hash_of
from console.core.db import db

SECRET = "xoxb-7-secret-of-the-bot"
WAY = Way("", "", "", "", allow_private=False, base_url="")


async def deliver(*_: object) -> Receipt:
    return Receipt("ok")


def wrong(given: Given, _way: Way) -> dict[str, str]:
    faults = faults_of(CHAT.fields, given)
    return faults or ({} if given["room"][0] == "#" else {"room": "A room begins with #."})


CHAT = Kind(
    "chat",
    "Chat",
    "bell",
    [Field("room", "Room", required=True), Field("token", "Token", is_secret=True, longest=100)],
    deliver,
    wrong,
    frozenset(),
)
GIVEN = {"room": "#ops", "token": SECRET}


@pytest.fixture
def make_channel(inside, acme):
    def make_channel(name: str = "ops", **values: str) -> int:
        with inside(acme):
            channel = channels.create(CHAT, name, {**GIVEN, **values})
            db.session.commit()
            return channel.id

    return make_channel


def test_a_secret_is_sealed_at_rest_and_stands_in_no_audit(inside, acme, make_channel, settings):
    made = make_channel()
    with inside(acme):
        channel = db.session.get_one(Channel, made)
        assert channels.given(channel) == {"room": "#ops", "token": SECRET}
        assert channel.settings == {"room": "#ops"}
        entries = db.session.scalars(select(AuditEntry)).all()
        assert SECRET not in str([(entry.target, entry.details) for entry in entries])
    files = [path.read_bytes() for path in settings.instance.rglob("*") if path.is_file()]
    assert any(b"#ops" in content for content in files)
    assert not any(SECRET.encode() in content for content in files)


def test_a_secret_that_is_not_given_stays_until_it_is_removed(inside, acme, make_channel):
    made = make_channel()
    with inside(acme):
        channel = db.session.get_one(Channel, made)
        channels.change(channel, CHAT, "ops", {"room": "#other"})
        assert channels.given(channel) == {"room": "#other", "token": SECRET}
        channels.change(channel, CHAT, "ops", {"room": "#other"}, removed=["token"])
        assert channels.given(channel) == {"room": "#other"}


def test_a_changed_channel_is_no_longer_failing(inside, acme, make_channel, clock):
    made = make_channel()
    with inside(acme):
        channel = db.session.get_one(Channel, made)
        channel.failing_since, channel.failures, channel.last_error = channel.created_at, 3, "no"
        channels.change(channel, CHAT, "operations", dict(GIVEN))
        assert channel.failures == 3
        channels.change(channel, CHAT, "operations", {**GIVEN, "token": "another"})
        health = [channel.failing_since, channel.failures, channel.last_error]
        assert health == [None, 0, ""]


def test_a_secret_is_read_from_the_environment_by_name(inside, acme, make_channel, monkeypatch):
    made = make_channel(token=f"env:PHAROS_CHANNEL_{acme.organization_id}_BOT")
    with inside(acme):
        channel = db.session.get_one(Channel, made)
        with pytest.raises(NotDelivered, match="has no variable PHAROS_CHANNEL_1_BOT") as refusal:
            channels.given(channel)
        assert refusal.value.permanent
        monkeypatch.setenv(f"PHAROS_CHANNEL_{acme.organization_id}_BOT", SECRET)
        assert channels.given(channel)["token"] == SECRET


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "PHAROS_URL", "PHAROS_CHANNEL_BOT", "PHAROS_CHANNEL_1_", ""]
)
def test_no_other_variable_is_read(name, acme, inside):
    with inside(acme), pytest.raises(NotDelivered, match="begin with PHAROS_CHANNEL_1_"):
        channels.in_clear(f"env:{name}")


def test_another_organizations_variable_is_not_read(acme, globex, inside, monkeypatch):
    name = f"PHAROS_CHANNEL_{acme.organization_id}_BOT"
    monkeypatch.setenv(name, SECRET)
    with inside(acme):
        assert channels.in_clear(f"env:{name}") == SECRET
    with inside(globex), pytest.raises(NotDelivered, match="Only variables"):
        channels.in_clear(f"env:{name}")


def test_what_is_wrong_stands_by_field(acme, inside):
    def faults(kept: dict[str, str] | None = None, **values: str) -> dict[str, str]:
        with inside(acme):
            return channels.faults(CHAT, values, WAY, kept=kept or {})

    assert faults() == {"room": "Fill in room."}
    assert faults(room="#ops", token="x" * 101) == {"token": "At most 100 characters, not 101."}
    assert faults(room="ops") == {"room": "A room begins with #."}
    assert set(faults(room="#ops", token="env:HOME")) == {"token"}
    assert set(faults(room="#ops", kept={"token": "env:HOME"})) == {"token"}
    assert faults(room="#ops") == {}


def test_a_deleted_channel_keeps_its_row_without_secrets_and_frees_its_name(
    inside, acme, make_channel
):
    made, relying = make_channel(), make_channel("relying")
    with inside(acme):
        channel, other = (db.session.get_one(Channel, id_) for id_ in (made, relying))
        other.fallback_id = channel.id
        address = channels.hook_url(channel, "slack")
        channels.delete(channel)
        db.session.commit()
        assert [channel.sealed, channel.settings, other.fallback_id] == [b"", {}, None]
        assert channels.channels() == [other]
        assert not channels.is_taken("ops")
        with pytest.raises(NotDelivered, match="was deleted"):
            channels.given(channel)
    with inside(acme):
        assert channels.by_hook(address.rpartition("/")[2]) is None


def test_the_address_to_report_back_finds_its_channel_and_organization(
    app, inside, acme, make_channel
):
    made = make_channel()
    with inside(acme):
        address = channels.hook_url(db.session.get_one(Channel, made), "slack")
    token = address.rpartition("/")[2]
    assert address.endswith(f"/hooks/slack/{token}")
    with app.app_context():
        channel = channels.by_hook(token)
        assert channel is not None
        assert (channel.id, channel.hook) == (made, hash_of(token))
    with app.app_context():
        assert channels.by_hook("phk_unknown") is None


def test_secrets_sealed_under_a_lost_key_are_a_sentence(inside, acme, make_channel, app):
    made = make_channel()
    with inside(acme):
        channel = db.session.get_one(Channel, made)
        channel.sealed = channel.sealed[:-1] + bytes([channel.sealed[-1] ^ 1])
        with pytest.raises(NotDelivered, match="another SECRET_KEY"):
            channels.given(channel)
        assert channels.hook_url(channel, "slack") == ""
        channels.change(channel, CHAT, "ops", dict(GIVEN))
        assert channels.given(channel) == GIVEN
        assert hash_of(channels.hook_url(channel, "slack").rpartition("/")[2]) == channel.hook
