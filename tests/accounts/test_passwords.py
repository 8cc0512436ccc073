"""Which passwords are too easy, and that a hash says who knows it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BoundedSemaphore, Event
from types import SimpleNamespace

import pytest

from console.accounts import passwords
from tests.support.factories import PASSWORD

EASY = """
password1234 Password!2024 P@ssw0rd1234 qwertyuiop12 1qaz2wsx3edc 123456789012 0123456789 01
abcdefghijkl aaaaaaaaaaaa abcabcabcabc letmeinletmein letmein!!!!!! adminadmin12 welcome12345
iloveyou!!!! passwordpassword mnbvcxzlkjhgf changeme2025! sunshine2024 ________________
""".split()  # noqa: SIM905 - read as people would type them
HARD = [
    "correct horse battery staple",
    "vier Wörter im Fluss",
    "tr0ub4dor&3-canal",
    "9f2c1a7be04d6f",
    "my cat ate 3 blue socks",
    "Ada loves rainy bicycles",
]


@pytest.mark.parametrize("password", EASY)
def test_easy_ones_are_refused(password):
    assert passwords.weakness(password)


@pytest.mark.parametrize("password", HARD)
def test_others_are_fine(password):
    assert passwords.weakness(password, "ada@acme.test", "Ada Lovelace") == ""


@pytest.mark.parametrize(
    "password", ["AdaLovelace1815", "ada@acme.test", "lovelace-lovelace", "acme1234ada5"]
)
def test_ones_name_is_easy(password):
    assert "name or e-mail" in passwords.weakness(password, "ada@acme.test", "Ada Lovelace")


def test_length_has_two_ends():
    assert "at least 12" in passwords.weakness("elevenchars")
    assert "at most 200" in passwords.weakness("ab cd ef gh " * 20)


def test_a_hash_says_who_knows_it():
    stored = passwords.hash_password(HARD[0])
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify(stored, HARD[0])
    assert not passwords.verify(stored, HARD[0] + " ")
    assert not passwords.verify(None, "the password of accounts that do not exist")
    assert not passwords.verify("no hash at all", HARD[0])


def test_many_at_once_wait_for_each_other():
    stored = passwords.hash_password(HARD[0])
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: passwords.verify(stored, HARD[0]), range(8)))


def test_a_flood_of_sign_ins_leaves_threads_for_pages(app, client, acme, monkeypatch):
    begun, goes_on = Barrier(3), Event()

    def hash_slowly(_stored, _password):
        begun.wait(60)
        assert goes_on.wait(60)
        return True

    def sign_in(_number):
        form = {"email": "ada@acme.test", "password": PASSWORD}
        return app.test_client().post("/login", data=form).status_code

    monkeypatch.setattr(passwords, "_places", BoundedSemaphore(2))
    monkeypatch.setattr(passwords, "_hasher", SimpleNamespace(verify=hash_slowly))
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.map(sign_in, range(2))
        begun.wait(60)
        refused = client.post("/login", data={"email": "ada@acme.test", "password": PASSWORD})
        goes_on.set()
        assert list(waiting) == [303, 303]
    assert (refused.status_code, "Too many people" in refused.text) == (503, True)
