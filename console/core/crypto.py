"""Tokens that are stored as hashes, and sealing of bytes at rest."""

import re
from base64 import b32encode, urlsafe_b64encode
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, new
from os import urandom
from secrets import token_bytes, token_hex, token_urlsafe

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class Token(StrEnum):
    """Every kind of token that the console issues; the value is the prefix that it begins with.

    Prefixes have three letters of their own, by which the scrubber knows each of them.
    """

    ACTION = "pha"  # a link in a message that acknowledges or resolves
    API = "pht"
    BROWSER = "phb"
    HEARTBEAT = "phh"
    HOOK = "phk"  # in the address at which a channel's service reports back
    INVITATION = "phi"
    PASSWORD_RESET = "phr"  # noqa: S105 - a prefix
    PROJECT_KEY = "phc"  # an ingest key as PostHog's clients are given it
    REPORT = "pho"  # a link in a report's mail: to open it, to agree to it, to get no more
    SESSION = "phs"
    SETUP = "phu"
    SHARE = "phl"
    SLACK_LINK = "phn"
    UNSUBSCRIBE = "phe"

    def spelled(self, secret: bytes) -> str:
        """The token of these bytes: prefix, underscore, base64 without padding."""
        return f"{self}_{urlsafe_b64encode(secret).rstrip(b'=').decode()}"


A_TOKEN = re.compile(rf"ph[{''.join(sorted(kind[2] for kind in Token))}]_[\w-]{{43}}", re.ASCII)
"""Any token of 256 bits that the console issues, wherever it stands in a text."""


class SealBrokenError(ValueError):
    """Sealed bytes were changed, cut, or sealed under a key that is no longer configured."""


def new_token(kind: Token) -> tuple[str, str]:
    """Return a fresh 256-bit token `<prefix>_…` and the hash under which it is stored."""
    token = kind.spelled(token_bytes(32))
    return token, hash_of(token)


def new_public_key() -> str:
    """Return a fresh 128-bit ingest key, 32 hex digits as Sentry's clients demand."""
    return token_hex(16)


def new_otp_secret() -> str:
    """Return a fresh secret of an authenticator app: 160 bits in base32, as RFC 4226 wants."""
    return b32encode(token_bytes(20)).decode()


def new_recovery_code() -> str:
    """Return 80 fresh bits that a person can type: `abcd-efgh-ijkl-mnop`."""
    letters = b32encode(token_bytes(10)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def new_nobodys_password() -> str:
    """Return a random password that is never shown, for accounts that need none."""
    return token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token; tokens have 256 random bits, so no slow hash is needed."""
    return sha256(token.encode()).hexdigest()


def setup_token(secret_key: str) -> str:
    """Return the token of the set-up link: made of the key, so that it needs no storage."""
    return Token.SETUP.spelled(new(secret_key.encode(), b"setup", sha256).digest())


def derived_token(kind: Token, secret_key: str, *parts: str) -> tuple[str, str]:
    """Return the token that the key makes of these parts, always the same, and its hash."""
    token = kind.spelled(
        new(secret_key.encode(), "\n".join((kind, *parts)).encode(), sha256).digest()
    )
    return token, hash_of(token)


def key_fingerprint(secret_key: str) -> str:
    """Return a hash by which two secret keys can be compared; it reveals neither."""
    return new(secret_key.encode(), b"fingerprint", sha256).hexdigest()


def keyed_hash(secret_key: str, *parts: str) -> str:
    """Return a keyed hash of texts: it shows whether they changed, and nothing else."""
    return new(secret_key.encode(), "\n".join(parts).encode(), sha256).hexdigest()


def same(a: str, b: str) -> bool:
    """Compare two secrets in constant time."""
    return compare_digest(a.encode(), b.encode())


@lru_cache(maxsize=16)
def _cipher(secret_key: str) -> AESGCM:
    return AESGCM(new(secret_key.encode(), b"pharos seal", sha256).digest())


def seal(secret_key: str, clear: bytes) -> bytes:
    """Encrypt and authenticate `clear`; costs about 10 µs for 10 kB."""
    nonce = urandom(NONCE)
    return nonce + _cipher(secret_key).encrypt(nonce, clear, None)


def unseal(secret_keys: tuple[str, ...], sealed: bytes) -> bytes:
    """Return what `seal` was given, trying the present key and then the former ones."""
    for secret_key in secret_keys:
        try:
            return _cipher(secret_key).decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except (InvalidTag, ValueError):  # another key's seal: try the next one
            continue
    raise SealBrokenError("the bytes were changed or sealed under another SECRET_KEY")
