"""Failed sign-ins slow down the next, for known and unknown accounts alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import event, func, select

from console.accounts import passwords, throttle
from console.accounts.models import LoginThrottle
from console.accounts.throttle import Attempt
from console.app import create_app
from console.core.db import db
from tests.support.factories import PASSWORD, PASSWORD_HASH

WRONG = "not the password"


@pytest.fixture(autouse=True)
def cheap_hash_of_nobody(monkeypatch):
    monkeypatch.setattr(passwords, "_NOBODY", PASSWORD_HASH)


def post(client, email="ada@acme.test", password=WRONG, address="192.0.2.1"):
    form = {"email": email, "password": password}
    return client.post("/login", data=form, environ_overrides={"REMOTE_ADDR": address})


def test_the_sixth_try_waits(client, clock, acme):
    assert [post(client).status_code for _ in range(6)] == [422] * 5 + [429]
    answer = post(client, password=PASSWORD)
    assert answer.status_code == 429  # the right one waits as well
    assert "Try again in" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 3


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(client, clock, acme):
    waits = []
    for _ in range(18):
        answer = post(client)
        while answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            clock.move(seconds=waits[-1])
            answer = post(client)
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[0] <= 3
    assert 890 <= waits[-1] <= 901


def test_nobody_waits_for_a_clock_that_was_set_back(client, clock, acme):
    assert [post(client).status_code for _ in range(6)] == [422] * 5 + [429]
    clock.jump(days=-1)
    assert post(client, password=PASSWORD).status_code == 303


def test_success_forgets_the_account(client, clock, acme):
    for _ in range(5):
        post(client)
    clock.move(minutes=1)
    assert post(client, password=PASSWORD).status_code == 303
    assert [post(client.application.test_client()).status_code for _ in range(5)] == [422] * 5


def test_unknown_accounts_wait_the_same(client, acme):
    known = [post(client, "ada@acme.test", address="192.0.2.1").status_code for _ in range(7)]
    unknown = [post(client, "nobody@x.test", address="192.0.2.9").status_code for _ in range(7)]
    assert known == unknown


def test_one_address_cannot_try_many_accounts(client, acme):
    answers = [post(client, f"person{n}@acme.test").status_code for n in range(25)]
    assert answers[:20] == [422] * 20
    assert answers[20:] == [429] * 5
    assert post(client, "ada@acme.test", PASSWORD, address="192.0.2.2").status_code == 303


def test_one_network_of_addresses_counts_as_one(client, acme):
    answers = [
        post(client, f"p{n}@acme.test", address=f"2001:db8::{n:x}").status_code for n in range(22)
    ]
    assert answers[20:] == [429] * 2
    assert post(client, "p@acme.test", address="2001:db8:0:1::1").status_code == 422


@pytest.mark.parametrize(
    ("address", "limit"),
    [("192.0.2.1", "pair"), ("192.0.2.{}", "account"), ("2001:db8:0:{}::1", "account")],
)
def test_parallel_tries_are_counted_before_they_are_checked(both_databases, app, address, limit):
    gate = replace(throttle.PASSWORD, account=throttle.Limit(10))

    def attempt(number: int) -> bool:
        with app.app_context():
            return not Attempt(gate, "ada@acme.test", address.format(number)).begin()

    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(attempt, range(24)))
    assert admitted == getattr(gate, limit).free


def test_a_site_of_networks_counts_as_one(app):
    gate = replace(throttle.PASSWORD, site=throttle.Limit(3))
    with app.app_context():
        inside = [Attempt(gate, f"{n}@x.test", f"2001:db8:0:{n:x}::1").begin() for n in range(4)]
        assert [bool(wait) for wait in inside] == [False] * 3 + [True]
        assert not Attempt(gate, "5@x.test", "2001:db8:1::1").begin()


def test_somebody_elses_tries_do_not_lock_a_person_out(app, client, acme):
    for _ in range(6):
        post(client, address="203.0.113.5")
    assert post(client, address="203.0.113.5").status_code == 429
    assert post(client, password=PASSWORD, address="192.0.2.1").status_code == 303


class TestAttackFromManyNetworks:
    """An account is tried from everywhere, until every stranger to it has to wait."""

    @pytest.fixture
    def attacked(self, app, clock):
        def attack() -> None:
            with app.app_context():
                for number in range(throttle.PASSWORD.account.free):
                    address = f"198.51.100.{number}"
                    Attempt(throttle.PASSWORD, "ada@acme.test", address).begin()

        return attack

    def test_it_is_slowed_down_from_new_networks_too(self, client, clock, acme, attacked):
        attacked()
        answer = post(client, password=PASSWORD)
        assert answer.status_code == 429
        clock.move(seconds=int(answer.headers["Retry-After"]))
        assert post(client, password=PASSWORD).status_code == 303

    def test_it_waits_a_minute_at_most(self, app, clock, acme, attacked):
        attacked()
        with app.app_context():
            for number in range(12):
                clock.move(minutes=1)
                attempt = Attempt(throttle.PASSWORD, "ada@acme.test", f"203.0.113.{number}")
                assert not attempt.begin(), number

    def test_a_browser_that_is_known_passes(self, client, acme, attacked):
        post(client, password=PASSWORD)
        client.post("/logout")
        attacked()
        assert post(client.application.test_client(), password=PASSWORD).status_code == 429
        assert post(client, password=PASSWORD).status_code == 303

    def test_another_persons_known_browser_does_not(self, client, acme, attacked):
        post(client, "vic@acme.test", PASSWORD)
        client.post("/logout")
        attacked()
        assert post(client, password=PASSWORD).status_code == 429

    @pytest.mark.parametrize("change", ["password", "logged out elsewhere", "half a year"])
    def test_a_browser_that_was_forgotten_does_not(self, app, clock, acme, attacked, change):
        stolen, own = app.test_client(), app.test_client()
        for client in (stolen, own):
            assert post(client, password=PASSWORD).status_code == 303
        stolen.post("/logout")
        if change == "password":
            form = {"current": PASSWORD, "password": "another long secret"}
            assert own.post("/account/password", data=form).status_code == 303
        elif change == "logged out elsewhere":
            own.post("/account/sessions/ending")
        else:
            clock.move(days=181)
        attacked()
        assert post(stolen).status_code == 429
        if change != "half a year":
            own.post("/logout")
            assert post(own).status_code == 422


def test_a_stolen_cookie_is_no_free_way_to_guess(client, acme):
    post(client, password=PASSWORD)
    client.post("/logout")
    tries = [post(client, address=f"198.51.100.{number}").status_code for number in range(6)]
    assert tries == [422] * 5 + [429]
    assert post(client.application.test_client(), password=PASSWORD).status_code == 303


def test_tries_that_wait_write_nothing(app, client, acme, clock):
    asked = []
    clock.set(clock.now())  # or the wait is over on a machine that needs three seconds for them
    for _ in range(5):
        post(client)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(20):
        assert post(client).status_code == 429
    assert {statement.split()[0] for statement in asked} <= {"BEGIN", "SELECT", "PRAGMA"}
    assert "BEGIN IMMEDIATE" not in asked


def test_unlocking_forgets_one_account(app, client, acme):
    for _ in range(6):
        post(client)
        post(client, "vic@acme.test", address="192.0.2.7")
    with app.app_context():
        assert throttle.unlock("ada@acme.test") == 2
        db.session.commit()
    assert post(client, password=PASSWORD).status_code == 303
    assert post(app.test_client(), "vic@acme.test", address="192.0.2.7").status_code == 429


def test_old_failures_are_forgotten(app, client, clock, acme):
    for _ in range(5):
        post(client)
    clock.move(hours=13)
    assert post(client).status_code == 422
    clock.move(hours=13)
    with app.app_context():
        throttle.forget_old()
        assert db.session.scalar(select(func.count()).select_from(LoginThrottle)) == 0


def test_behind_a_proxy_the_visitors_address_counts(settings, acme):
    app = create_app(replace(settings, trusted_proxies=1))
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    for number in range(21):
        form = {"email": f"p{number}@acme.test", "password": WRONG}
        said = {"X-Forwarded-For": f"198.51.100.9, 203.0.113.{number}"}
        assert client.post("/login", data=form, headers=said).status_code == 422
    with app.app_context():
        db.engine.dispose()


def test_a_stolen_session_is_no_way_to_try_passwords(as_vic, clock):
    form = {"current": WRONG, "password": "another long secret"}
    tries = [as_vic.post("/account/password", data=form).status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]
    right = {**form, "current": PASSWORD}
    assert "Too many tries" in as_vic.post("/account/password", data=right).text
    clock.move(minutes=1)
    assert as_vic.post("/account/password", data=right).status_code == 303
