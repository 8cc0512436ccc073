"""Passwords: how they are hashed, and which ones are too easy to guess."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
# 19 MiB, two passes, one lane: OWASP's choice, about 0.1 s of a core.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# A burst of sign-ins must not take all cores and memory from ingest, nor all threads from pages.
_at_once, _places = BoundedSemaphore(2), BoundedSemaphore(8)
# Stands in for accounts that do not exist: it costs the same time, and no password has this hash.
_NOBODY = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)

# Runs of these, whole words of these, and what is left without digits and marks.
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "01234567890",
    "1qaz2wsx3edc4rfv",
)
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        access admin administrator asdf azerty baseball batman changeit changeme charlie computer
        default dragon fallout football freedom god google guest hello hunter iloveyou india
        internet jesus jordan killer letmein login london love lovely master michael monkey mustang
        myspace naruto nothing ninja office oracle pass passpass passphrase passw password passwort
        pharos pokemon princess qazwsx qwer qwert qwerty qwertz root samsung secret security sentry
        server shadow soccer starwars summer sunshine superman support system temp test testtest
        trustno unknown user welcome whatever winter word zxcvbn zxcvbnm
        """,
    )
)
_FEWEST_LETTERS = 5


class TooBusy(RuntimeError):
    """So many passwords are being checked that the next one would wait for long."""


def hash_password(password: str) -> str:
    """Return the argon2id hash that is stored; raises TooBusy."""
    with _turn():
        return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether the password is the right one; takes as long for an account that does not exist.

    Raises TooBusy.
    """
    with _turn():
        try:
            _hasher.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def weakness(password: str, *about: str) -> str:
    """Say in a sentence why a password will not do; "" if it will. `about`: e-mail and name."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters; a few unrelated words are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    plain = password.lower()
    if len(set(plain)) < _FEWEST_LETTERS or _is_run(plain):
        return "That is a simple pattern, and among the first to be tried."
    if _is_common(plain):
        return "That is among the most used passwords, and among the first to be tried."
    if any(_is_about(plain, text.lower()) for text in about):
        return "That is made of your name or e-mail address, and easy to guess."
    return ""


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise TooBusy
    try:
        with _at_once:
            yield
    finally:
        _places.release()


def _is_run(plain: str) -> bool:
    """Whether it walks along the alphabet or the keyboard, or repeats a short piece."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    walks = any(plain in row * 3 for row in rows)
    return walks or re.fullmatch(r"(.{1,6}?)\1+.{0,3}", plain) is not None


def _is_common(plain: str) -> bool:
    """Whether only words of the list are left once digits and marks are gone."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    spelled = core.translate(str.maketrans("@013457$", "aoieasts"))
    for text in (plain, spelled):
        letters = re.sub(r"[^a-z]", "", text)
        if not letters or letters in _WORDS or _is_run(letters):
            return True
        half = letters[: len(letters) // 2]
        if letters == half * 2 and half in _WORDS:
            return True
    return False


def _is_about(plain: str, text: str) -> bool:
    """Whether little is left of the password without this text's words."""
    rest = plain
    for word in re.split(r"[^\w]+|_", text):
        if len(word) >= 3:
            rest = rest.replace(word, "")
    return len(rest) < len(plain) and len(re.sub(r"[^a-z]", "", rest)) < _FEWEST_LETTERS
