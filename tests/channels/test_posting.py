"""What answers of services mean, and what is kept of them."""

from datetime import UTC, datetime, timedelta

import pytest

from console.channels.facts import lasted, legible, moment
from console.channels.posting import redacted, retry_after, secrets_of
from console.channels.webhook import FIELDS
from console.core.crypto import Token, new_token


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        ("1.5", 1.5),
        ("999999999", 86_400),
        ("Fri, 27 Nov 2026 14:00:30 GMT", 30),
        ("Fri, 27 Nov 2026 13:00:00 GMT", 0),
        ("Fri, 27 Nov 2026 14:00:30 -0000", 30),
        ("soon", None),
        ("-5", None),
        ("1e999", 86_400),
        ("²", None),
        ("", None),
    ],
)
def test_how_long_a_service_wants_to_be_left_alone(clock, value, seconds):
    clock.set(datetime(2026, 11, 27, 14, 0, tzinfo=UTC))
    assert retry_after({"Retry-After": value}) == seconds
    assert retry_after({"retry-after": value}) == seconds
    assert retry_after({}) is None


def test_secrets_are_hidden_in_the_forms_in_which_they_come_back():
    given = {
        "url": "https://hooks.test/services/T000/long-secret-key?token=another-key",
        "headers": "Authorization: Bearer third-key\nX-Key: fourth key",
        "secret": "fifth, key",
    }
    secrets = secrets_of(FIELDS, given)
    text = (
        "/services/T000/long-secret-key long-secret-key token=another-key third-key fourth%20key"
        " X-Key: fourth key fifth, key"
    )
    kept = redacted(text, secrets)
    for secret in ("long-secret", "another-key", "third-key", "fourth", "fifth"):
        assert secret not in kept


@pytest.mark.parametrize("kind", list(Token))
def test_a_link_that_acts_is_hidden_where_a_receiver_repeats_the_message(kind):
    token, _ = new_token(kind)
    for text in (
        f"http://pharos.test/a/{token}",
        f'{{"url": "http:\\/\\/x\\/{token}"}}',
        f"%2F{token}",
    ):
        kept = redacted(text, [])
        assert token[4:] not in kept
        assert "…" in kept


def test_an_answer_is_kept_up_to_two_thousand_characters():
    assert len(redacted("x" * 10_000, [])) == 2_000
    assert redacted("a\x00b", []) == "a\ufffdb"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=6, seconds=30), "6 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"),
        (timedelta(days=2, minutes=4), "2 d"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_duration_has_its_two_largest_units(span, words):
    assert lasted(span) == words


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "27 Nov 2026, 14:04 UTC"),
        ("Europe/Berlin", "27 Nov 2026, 15:04 CET"),
        ("America/Sao_Paulo", "27 Nov 2026, 11:04 UTC-03"),
        ("Asia/Kathmandu", "27 Nov 2026, 19:49 UTC+0545"),
    ],
)
def test_a_time_names_its_zone(zone, words):
    assert moment(datetime(2026, 11, 27, 14, 4, tzinfo=UTC), zone) == words


def test_a_text_is_one_line_without_what_nobody_sees():
    assert legible("a\r\n b\u202ec\u2066d\x1b[0m\ud800") == "a b c d [0m?"
    assert legible("x" * 20, 10) == "xxxxxxxxx…"
    assert legible("👩\u200d🚀 עברית") == "👩\u200d🚀 עברית"
