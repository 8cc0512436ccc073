"""Calls to other servers: what is reached, what is read, and what is said when nothing comes."""

import socket
import time
from contextlib import closing

import pytest

from console.core import http
from console.core.http import Call, CallFailed, Cause, call
from tests.fakes.peer import Peer, dripping, endless, redirect


def test_an_answer_comes_with_its_timings(peer):
    reply = call(Call(url=peer.url(), allow_private=True, headers={"X-Probe": "1"}))
    assert (reply.status, reply.body, reply.is_cut) == (200, b"hello", False)
    assert (reply.address, reply.url) == ("127.0.0.1", peer.url())
    assert reply.timings.keys() == {"connect", "first_byte"}
    assert reply.certificate_until is None
    assert b"X-Probe: 1" in peer.requests[0]
    assert b"User-Agent: Pharos" in peer.requests[0]


HOSTS = [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0",
    "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[::]", "127.0.0.1.",
    "localhost.", "①②⑦.⓪.⓪.①", "LOCALHOST", "[::127.0.0.1]", "[fe80::1%25lo]",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_private_addresses_are_not_reached_however_they_are_written(peer, host):
    with pytest.raises(CallFailed) as error:
        call(Call(url=f"http://{host}:{peer.port}/"))
    assert error.value.cause in {Cause.ADDRESS, Cause.DNS}
    assert not peer.requests


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "gopher://127.0.0.1/", "http://", "http:///x", "//127.0.0.1/",
     "http://user:secret@example.com/", "http://127.0.0.1:99999/", "http://[::1/", "\x00",
     "http://a%2f..%2fb.example/", "http://a%00.example/", "http://a%0d%0ab.example/"],
)  # fmt: skip
def test_what_is_no_address_of_a_web_server_is_not_called(url):
    with pytest.raises(CallFailed) as error:
        call(Call(url=url, allow_private=True, seconds=2))
    assert error.value.cause is Cause.ADDRESS
    assert "secret" not in str(error.value)


def test_a_name_that_means_something_else_a_moment_later_is_called_where_it_was_checked(
    peer, monkeypatch
):
    """The first answer is public, every later one is this machine."""
    answers = iter([[(2, 1, 6, "", ("192.0.2.1", peer.port))]])
    here = [(2, 1, 6, "", ("127.0.0.1", peer.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(answers, here))
    monkeypatch.setattr(http, "is_public", lambda address: address == "192.0.2.1")
    with pytest.raises(CallFailed):
        call(Call(url=f"http://rebinding.test:{peer.port}/", seconds=1))
    assert not peer.requests


def test_one_private_address_of_several_is_enough_to_refuse(peer, monkeypatch):
    both = [(2, 1, 6, "", (address, peer.port)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(CallFailed, match="private network"):
        call(Call(url=f"http://both.test:{peer.port}/"))


def test_redirects_are_followed_and_counted(peer):
    peer.answers |= {"/a": redirect("/b"), "/b": redirect(peer.url("/c"))}
    assert call(Call(url=peer.url("/a"), allow_private=True)).url == peer.url("/c")
    assert call(Call(url=peer.url("/a"), allow_private=True, redirects=0)).status == 302
    peer.answers["/c"] = redirect("/a")
    with pytest.raises(CallFailed) as error:
        call(Call(url=peer.url("/a"), allow_private=True))
    assert error.value.cause is Cause.REDIRECTS


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "http://[::1]/", "http://2130706433/", "http://[::1/"]
)
def test_a_redirect_leads_nowhere_that_the_first_call_may_not_go(peer, monkeypatch, to):
    monkeypatch.setattr(http, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 80))])
    peer.answers["/"] = redirect(to)
    with pytest.raises(CallFailed) as error:
        call(Call(url=peer.url()))
    assert error.value.cause is Cause.ADDRESS


def test_headers_of_ones_own_stay_with_the_server_they_were_written_for(peer):
    with closing(Peer()) as other:
        peer.answers["/"] = redirect(other.url("/x"))
        secret = {"Authorization": "Bearer s3cret"}
        call(Call(url=peer.url(), allow_private=True, headers=secret))
        assert b"s3cret" in peer.requests[0]
        assert b"s3cret" not in other.requests[0]


def test_an_endless_body_is_cut(peer):
    peer.answers["/"] = endless
    reply = call(Call(url=peer.url(), allow_private=True, most_bytes=100_000))
    assert (len(reply.body), reply.is_cut) == (100_000, True)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (dripping, Cause.TIMEOUT),
        (lambda _connection, _request: time.sleep(5), Cause.TIMEOUT),
        (lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH\r\n"), Cause.PROTOCOL),
        (lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
         Cause.PROTOCOL),
        (lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99_999),
         Cause.PROTOCOL),
        (lambda _connection, _request: None, Cause.PROTOCOL),
    ],
)  # fmt: skip
def test_a_server_that_misbehaves_costs_no_more_than_the_time(peer, answer, cause):
    peer.answers["/"] = answer
    began = time.monotonic()
    with pytest.raises(CallFailed) as error:
        call(Call(url=peer.url(), allow_private=True, seconds=1))
    assert error.value.cause is cause
    assert time.monotonic() - began < 4


def test_nobody_listening_and_no_such_name(peer):
    peer.close()
    with pytest.raises(CallFailed, match="does not take connections") as error:
        call(Call(url=peer.url(), allow_private=True))
    assert error.value.cause is Cause.CONNECT
    with pytest.raises(CallFailed) as error:
        call(Call(url="http://no-such-name.invalid/"))
    assert error.value.cause is Cause.DNS


def test_tls_of_a_server_without_any_is_said(peer):
    with pytest.raises(CallFailed) as error:
        call(Call(url=peer.url().replace("http:", "https:"), allow_private=True))
    assert error.value.cause is Cause.TLS
