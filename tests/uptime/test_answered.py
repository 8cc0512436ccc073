"""What an answer's text is, whatever its server does to it, and what of it is never stored."""

import gzip
import time
import zlib
from base64 import b64encode

import pytest

from console.core.loops import finished
from console.telemetry.records import CheckOutcome
from console.uptime.answered import without_secrets
from console.uptime.headers import HIDDEN
from console.uptime.probe import MOST_BYTES, Request, attempt
from tests.fakes.peer import plain

UP, DOWN = CheckOutcome.UP, CheckOutcome.DOWN
WORD = "Größe"
PAGE = f"<meta charset='windows-1251'>{'Каталог'}"


@pytest.fixture
def tried(peer):
    """What a try of the peer's root says, that expects a text."""

    def tried(answer, text=WORD, **settings):
        peer.answers["/"] = answer
        request = Request(url=peer.url(), text=text, allow_private=True, **settings)
        return finished(attempt(request))

    return tried


def typed(charset):
    return f"Content-Type: text/html; charset={charset}"


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (WORD.encode(), [], WORD),
        (WORD.encode("latin-1"), [typed("ISO-8859-1")], WORD),
        (WORD.encode("latin-1"), [], WORD),
        (WORD.encode("utf-16"), [typed("utf-8")], WORD),
        (PAGE.encode("cp1251"), ["Content-Type: text/html"], "Каталог"),
        ("見出し".encode("shift_jis"), [typed('"Shift_JIS"')], "見出し"),
        (WORD.encode(), [typed("zlib")], WORD),
        (WORD.encode(), [typed("nonsense")], WORD),
        (gzip.compress(WORD.encode()), ["Content-Encoding: gzip"], WORD),
        (zlib.compress(WORD.encode("latin-1")), ["Content-Encoding: Deflate"], WORD),
    ],
    ids=(
        "utf-8",
        "latin-1",
        "latin-1, not named",
        "utf-16 by its mark",
        "cp1251, not named",
        "shift_jis, quoted",
        "a codec of bytes",
        "an unknown charset",
        "gzip",
        "deflate",
    ),
)
def test_a_text_is_found_in_every_charset_and_in_compressed_answers(tried, body, headers, text):
    answer = tried(plain(body, "200 OK", *headers), text)
    assert (answer.outcome, answer.why) == (UP, "")


def test_what_inflates_without_end_is_read_in_bounds(tried):
    bomb = gzip.compress(b"x" * 200_000_000, 9)
    assert len(bomb) < MOST_BYTES
    began = time.process_time()
    answer = tried(plain(bomb, "200 OK", "Content-Encoding: gzip"))
    assert time.process_time() - began < 1
    assert (answer.outcome, answer.answered) == (DOWN, "x" * 1_000)


@pytest.mark.parametrize(
    ("encoding", "why"),
    [
        ("br", "“Größe”. The answer is encoded as br, which checks do not read."),
        ("gzip", "“Größe”. The answer is not gzip, as it says."),
    ],
)
def test_an_answer_that_cannot_be_read_says_so(tried, encoding, why):
    answer = tried(plain(b"\x0b\x02", "200 OK", f"Content-Encoding: {encoding}"))
    assert (answer.outcome, answer.answered) == (DOWN, "")
    assert answer.why.endswith(why)


def test_no_value_of_a_header_is_stored_from_servers_that_answer_what_they_were_sent(tried):
    credentials = b64encode(b"ada:correct horse").decode()

    def echo(connection, request):
        sent = request + b"ada has the password 'correct horse'\r\ntext/html"
        head = b"HTTP/1.1 302 Found\r\nLocation: /login?a=s3cret-token&b=$f\r\n\r\n"
        connection.sendall(head + sent)

    headers = {
        "Authorization": f"Basic {credentials}",
        "X-Token": "s3cret-token",
        "Accept": "text/html",
    }
    body = '{"user": "ada", "login": [{"password": "of the body"}]}'
    answer = tried(echo, headers=headers, redirects=False, method="POST", body=body)
    assert "of the body" not in answer.answered
    assert answer.why == f"Status 302 instead of 200-299. It leads to /login?a={HIDDEN}&b={HIDDEN}."
    for secret in (credentials, "s3cret-token", "correct horse"):
        assert secret not in answer.answered
    assert f"X-Token: {HIDDEN}\n" in answer.answered
    assert answer.answered.endswith("text/html")


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://shop.test/?a=1&key=pass%20word#x", ""),
        ("https://shop.test/", "a=1&key=pass+word"),
        ("https://shop.test/", "pass word"),
        ("https://shop.test/", '["pass word", 1]'),
    ],
)
def test_no_value_of_a_query_or_body_is_stored_either(url, body):
    text = without_secrets("1 shop: pass word", {}, url=url, body=body)
    assert text == f"1 shop: {HIDDEN}"


def test_a_cookie_that_a_page_insists_on_is_sent_with_the_next_request_only(tried, peer):
    def insists(connection, request):
        head = b"302 Found\r\nSet-Cookie: seen=1; Path=/\r\nLocation: /"
        status = b"200 OK" if b"Cookie: seen=1" in request else head
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    assert tried(insists, "").outcome == UP
    assert tried(insists, "").outcome == UP
    assert [b"seen=1" in request for request in peer.requests] == [False, True] * 2


def test_long_headers_are_read_and_an_answer_that_breaks_off_is_named_so(tried):
    assert tried(plain(b"", "200 OK", "X-Policy: " + "a" * 30_000), "").outcome == UP
    broken = tried(lambda c, _: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwel"), "")
    assert broken.why == "The connection was closed before the answer was whole."
