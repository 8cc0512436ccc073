"""Tokens: one list of kinds, and one way to make each."""

import re

import pytest

from console.core.crypto import Token, hash_of, new_token, setup_token
from tests.architecture.test_sources import MODULES
from tests.support.databases import ROOT

# Whoever else makes random text, and what for: nothing of it lets anybody in.
RANDOM = {
    "alerting/delivery/sender.py": "the name of a sender of messages",
    "alerting/delivery/sending.py": "claims on messages that are tried",
    "alerting/delivery/trying.py": "the key of a test message",
    "backup/orders.py": "ids of orders",
    "core/crypto.py": "tokens",
    "core/config.py": "SECRET_KEY of the instance folder",
    "ingest/accept.py": "ids in answers to clients whose items are ignored",
    "core/instances.py": "the name of an instance folder",
    "dashboards/embeds.py": "names and secrets of keys for embeds",
    "dashboards/document.py": "ids of tiles",
    "reports/editions.py": "claims on editions that are made",
    "ticker.py": "the name of a process",
    "uptime/schedule.py": "claims on checks that are tried",
    "web/application.py": "ids of requests",
    "web/errors.py": "ids of requests",
}
MAKERS = re.compile(r"\b(token_bytes|token_hex|token_urlsafe|urandom|uuid[14]|randbytes)\b")


@pytest.mark.parametrize("kind", Token)
def test_a_token_has_its_kinds_prefix_and_256_bits(kind):
    token, stored = new_token(kind)
    assert re.fullmatch(rf"{kind.value}_[\w-]{{43}}", token)
    assert stored == hash_of(token)
    assert new_token(kind)[0] != token


def test_prefixes_tell_kinds_apart():
    assert len({kind.value for kind in Token}) == len(Token)
    assert all(re.fullmatch("ph[a-z]", kind.value) for kind in Token)


def test_the_set_up_token_depends_on_the_key():
    assert re.fullmatch(rf"{Token.SETUP.value}_[\w-]{{43}}", setup_token("a"))
    assert setup_token("a") == setup_token("a") != setup_token("b")


def test_nobody_else_makes_random_text():
    """So that a new kind of token has to stand in the list, which the scrubber reads."""
    makers = {
        str(path.relative_to("console"))
        for path in MODULES
        if MAKERS.search((ROOT / path).read_text())
    }
    assert makers == set(RANDOM)


def test_no_module_spells_a_prefix():
    spelled = re.compile(rf"[\"']({'|'.join(Token)})_?[\"']")
    assert [path for path in MODULES if spelled.search((ROOT / path).read_text())] == [
        path for path in MODULES if path.name == "crypto.py"
    ]
