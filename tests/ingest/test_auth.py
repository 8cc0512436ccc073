import threading
import time

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from console.accounts.models import Key, MonitoringConfig
from console.core import clock as wall
from console.core.crypto import new_public_key
from console.core.db import db
from console.ingest import auth
from console.ingest.auth import KeyRing, Refusal, authorized, bearer_key, parse_dsn, presented_key
from tests.support import factories

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0", KEY),
        (f"Sentry sentry_version=7,sentry_key={KEY},sentry_timestamp=1.5", KEY),
        (f"sentry Sentry_Key = {KEY}", KEY),
        (f'Sentry sentry_key="{KEY}"', KEY),
        (f"Sentry\tsentry_key={KEY}", KEY),
        (f"sentry%20sentry_key%3D{KEY}%2C%20sentry_version%3D7", KEY),
        ("Sentry sentry_version=7", None),
        (f"Bearer sentry_key={KEY}", None),
        ("", None),
    ],
)
def test_the_key_in_either_header(header, expected):
    assert presented_key(header, "", query={}) == expected
    assert presented_key("", header, query={}) == expected


def test_the_key_in_the_query_counts_when_no_header_has_one():
    assert presented_key("", "", query={"sentry_key": KEY}) == KEY
    assert presented_key(f"Sentry sentry_key={KEY}", "", query={"sentry_key": "x"}) == KEY
    assert presented_key("", "Bearer abc", query={"sentry_key": KEY}) == KEY


def test_a_bearers_key_may_come_as_the_environment_has_it():
    assert bearer_key(f"Bearer%20{KEY}") == bearer_key(f"Bearer phc_{KEY}") == KEY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"https://{KEY}@Pharos.example:443/42", ("pharos.example", 42)),
        (f"https://{KEY}@pharos.example/42", ("pharos.example", 42)),
        (f"https://{KEY}:secret@pharos.example:8443/some/prefix/42", ("pharos.example:8443", 42)),
        (f"https://{KEY}@[::1]:8000/42", ("[::1]:8000", 42)),
    ],
)
def test_a_dsn_names_key_host_and_project(text, expected):
    found = parse_dsn(text)
    assert found is not None
    assert (found.public_key, found.host, found.project_id) == (KEY, *expected)


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "nonsense",
        f"ftp://{KEY}@h/1",
        "https://h/1",
        f"https://{KEY}@h/x",
        "http://[/1",
    ],
)
def test_what_is_no_dsn(text):
    assert parse_dsn(text) is None


@pytest.fixture
def ring(app) -> KeyRing:
    return KeyRing(app)


@pytest.fixture
def key(app, acme) -> str:
    return factories.public_key(app, acme)


def refusal(ring: KeyRing, key: str | None, project_id: int, origin: str = "") -> Refusal:
    with pytest.raises(Refusal) as caught:
        authorized(ring, key, project_id, origin=origin)
    return caught.value


def test_a_key_opens_its_project(both_databases, ring, acme, key):
    grant = authorized(ring, key.upper(), acme.id, origin="")
    assert (grant.organization_id, grant.project_id) == (acme.organization_id, acme.id)


def test_every_refusal_says_precisely_why(both_databases, ring, acme, globex, key):
    reasons = {
        auth.NO_KEY: refusal(ring, None, acme.id),
        auth.BAD_KEY: refusal(ring, "hunter2", acme.id),
        auth.UNKNOWN_KEY: refusal(ring, new_public_key(), acme.id),
        auth.OTHER_PROJECT: refusal(ring, key, globex.id),
    }
    assert {reason: found.reason for reason, found in reasons.items()} == {r: r for r in reasons}
    assert [found.status for found in reasons.values()] == [401, 403, 403, 403]
    assert key not in reasons[auth.OTHER_PROJECT].detail
    assert all(found.detail.isascii() for found in reasons.values()), "headers take nothing else"


def test_a_key_of_another_project_concerns_the_project_that_it_opens(ring, acme, globex, key):
    grant = refusal(ring, key, globex.id).grant
    assert grant is not None
    assert grant.project_id == acme.id


def test_a_disabled_key_is_refused_within_seconds(both_databases, ring, inside, acme, key, clock):
    authorized(ring, key, acme.id, origin="")
    with inside(acme):
        db.session.execute(update(Key).values(disabled_at=wall.now()))
        db.session.commit()
    clock.move(seconds=6)
    found = refusal(ring, key, acme.id)
    assert found.reason == auth.DISABLED_KEY
    assert found.grant is not None


def test_a_clock_that_is_set_back_enables_no_disabled_key(ring, inside, acme, key, clock):
    """A rotated one, whose end is a time, works on until that time comes."""
    with inside(acme):
        db.session.execute(update(Key).values(disabled_at=wall.now()))
        db.session.commit()
    clock.jump(hours=-2)
    assert refusal(ring, key, acme.id).reason == auth.DISABLED_KEY
    with inside(acme):
        db.session.execute(update(Key).values(replaced_by_id=Key.id))
        db.session.commit()
    clock.move(seconds=6)
    assert authorized(ring, key, acme.id, origin="").project_id == acme.id


def test_a_new_key_works_within_seconds_of_being_refused(ring, inside, acme, clock):
    fresh = new_public_key()
    assert refusal(ring, fresh, acme.id).reason == auth.UNKNOWN_KEY
    with inside(acme):
        db.session.add(Key(project_id=acme.id, public_key=fresh))
        db.session.commit()
    clock.move(seconds=6)
    assert authorized(ring, fresh, acme.id, origin="").project_id == acme.id


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_makes_no_key_known_for_longer(ring, inside, acme, key, clock, hours):
    authorized(ring, key, acme.id, origin="")
    with inside(acme):
        db.session.execute(delete(Key))
        db.session.commit()
    clock.jump(hours=hours)
    authorized(ring, key, acme.id, origin="")  # no time has passed
    clock.move(seconds=6)
    assert refusal(ring, key, acme.id).reason == auth.UNKNOWN_KEY


def test_a_database_that_hangs_makes_no_known_key_wait_twice(ring, acme, key, clock, monkeypatch):
    authorized(ring, key, acme.id, origin="")
    hanging = threading.Event()
    monkeypatch.setattr(auth, "_look_up", lambda _key: hanging.wait(60))
    clock.move(seconds=6)
    waited = []
    for _ in range(50):
        began = time.monotonic()
        assert authorized(ring, key, acme.id, origin="").project_id == acme.id
        waited.append(time.monotonic() - began)
    hanging.set()
    assert sum(seconds >= auth.PATIENCE_SECONDS for seconds in waited) == 1


def test_keys_that_nobody_knows_have_few_places_while_the_database_hangs(ring, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(auth, "_look_up", lambda _key: hanging.wait(60))
    monkeypatch.setattr(auth, "STRANGER_SECONDS", 2.0)
    refused: list[tuple[bool, float]] = []

    def present(number: int, key: str) -> None:
        began = time.monotonic()
        with pytest.raises(auth.KeysUnavailable):
            ring.grant(key)
        refused.append((number % 2 == 0, time.monotonic() - began))

    # Half of them present one key, as the clients of a project do after a start.
    shared = new_public_key()
    ring._looked_up(shared, auth.STRANGERS)
    keys = [shared if number % 2 == 0 else new_public_key() for number in range(6 * auth.STRANGERS)]
    threads = [threading.Thread(target=present, args=given) for given in enumerate(keys)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hanging.set()
    assert all(seconds >= 2.0 for is_shared, seconds in refused if is_shared)
    quick = sum(seconds < 2.0 for is_shared, seconds in refused if not is_shared)
    assert quick == 3 * auth.STRANGERS - (auth.STRANGERS - 1)


def test_look_ups_are_cached(ring, acme, key, monkeypatch):
    authorized(ring, key, acme.id, origin="")
    monkeypatch.setattr(auth, "_look_up", lambda _key: pytest.fail("asked again"))
    authorized(ring, key, acme.id, origin="")


def test_known_keys_go_on_working_while_the_database_does_not_answer(
    ring, acme, key, clock, monkeypatch
):
    authorized(ring, key, acme.id, origin="")

    def fail(_key: str) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(auth, "_look_up", fail)
    clock.move(seconds=6)
    assert authorized(ring, key, acme.id, origin="").project_id == acme.id
    with pytest.raises(OperationalError):
        authorized(ring, new_public_key(), acme.id, origin="")


def test_only_allowed_origins_may_send_from_a_page(ring, inside, acme, key, clock):
    with inside(acme):
        allowed = ["https://shop.example", "https://*.preview.example"]
        db.session.execute(update(MonitoringConfig).values(allowed_origins=allowed))
        db.session.commit()
    for origin in ("", "https://shop.example", "https://pr-7.preview.example"):
        assert authorized(ring, key, acme.id, origin=origin).project_id == acme.id
    for origin in ("https://evil.example", "https://shop.example.evil.example", "null"):
        assert refusal(ring, key, acme.id, origin).reason == auth.ORIGIN


def test_a_flood_of_invented_keys_does_not_fill_the_memory(ring, acme, key, monkeypatch):
    monkeypatch.setattr(auth, "REMEMBERED", 50)
    for _ in range(120):
        assert ring.grant(new_public_key()) is None
    assert len(ring._known) <= 50
    assert ring.grant(key) is not None
