"""Failed sign-ins slow down the next, for known and unknown accounts alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

from sqlalchemy import func, select

from console.accounts import throttle
from console.accounts.models import LoginThrottle
from console.app import create_app
from console.core.db import db
from tests.factories import PASSWORD

WRONG = "not the password"


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


def test_parallel_tries_are_counted_before_they_are_checked(both_databases, app, acme):
    def attempt(number: int) -> bool:
        with app.app_context():
            return not throttle.attempt("ada@acme.test", f"192.0.2.{number}")

    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(attempt, range(24)))
    assert admitted == throttle.FREE_OF_ACCOUNT


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
