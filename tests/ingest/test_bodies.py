import resource
from base64 import b64decode
from pathlib import Path
from uuid import uuid4

import pytest

from console.ingest import refusals
from console.ingest.protocol import BODY_LIMIT
from tests.ingest.envelopes import ENCODE, envelope, event, item

MIB = 1 << 20
BOMB = b64decode(  # 50 MiB of zeros by brotli, 93 bytes
    "y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v0f////4J8AiMMCAN37P/7//8E/ARCHBQC693/8//+DfwIg"
    "DgsAdO//+P//B/8EQBwWAOje/+X//wf+CYA4LADQvf8A"
)


def test_a_body_over_the_limit_is_refused_unread_or_not(client, waiting, acme, credentials):
    path, body = f"/api/{acme.id}/envelope/", bytes(BODY_LIMIT + 1)
    assert client.post(path, data=body, headers=credentials).status_code == 413
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    answer = client.post(path, data=body, headers=credentials, environ_overrides=chunked)
    assert answer.status_code == 413
    assert waiting.read() == []


def peak() -> int:
    """The most memory that this process held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("layers", ["br", "gzip", "gzip, gzip", "zstd"])
def test_a_bomb_is_refused_with_bounded_memory(client, waiting, ledger, acme, credentials, layers):
    body = BOMB
    if layers != "br":
        body = bytes(50 * MIB)
        for layer in layers.split(", "):
            body = ENCODE[layer](body)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = peak()
    headers = credentials | {"Content-Encoding": layers}
    answer = client.post(f"/api/{acme.id}/envelope/", data=body, headers=headers)
    assert (answer.status_code, answer.json["causes"]) == (413, ["too large"])
    assert peak() - before < 24 * MIB
    assert waiting.read() == []
    assert ledger()[0].reason == "too large"


def test_a_large_honest_body_is_accepted(send, waiting):
    attachments = [item("attachment", uuid4().bytes * (MIB // 16)) for _ in range(10)]
    assert send(envelope(*attachments, item("event", event()))).status_code == 200
    assert len(waiting.read()) == 1


def test_every_cut_of_an_envelope_is_kept_in_part_or_refused(send, waiting):
    """What is whole before the cut is kept; nothing that was cut is answered by a server error."""
    whole = envelope(item("event", event()), item("session", {"sid": "1"}), event_id="e" * 32)
    first_ends = whole.index(b'{"type": "session"') - 1
    for cut in range(len(whole)):
        answer = send(whole[:cut])
        assert answer.status_code == (200 if cut >= first_ends else 400), cut
        assert ("X-Sentry-Error" in answer.headers) == (cut < first_ends)
    rows = [row for row in waiting.read(limit_rows=10_000) if row.kind != refusals.KIND]
    assert len(rows) == len(whole) - first_ends


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_every_cut_of_a_compressed_envelope_is_refused(client, acme, credentials, encoding):
    whole = ENCODE[encoding](envelope())
    headers = credentials | {"Content-Encoding": encoding}
    for cut in range(len(whole)):
        answer = client.post(f"/api/{acme.id}/envelope/", data=whole[:cut], headers=headers)
        assert (cut, answer.status_code) == (cut, 400)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", ""),
        (b"\n\n\n", ""),
        (b"{}", ""),
        (b"{}\n", ""),
        (b"[]\n{}\n{}", ""),
        (b'{}\n{"type":"event","length":-1}\n', ""),
        (b"\x00\xff" * 100, ""),
        (b"{}\n" + b"[" * 10_000, ""),
        (b"not gzip", "gzip"),
        (b"x", "gzip, br, zstd, deflate"),
        (b"x", "lzma"),
        (b"x" * 20_000, ""),
    ],
)
def test_bad_input_is_answered_by_400_and_never_500(
    client, waiting, acme, credentials, body, encoding
):
    headers = credentials | {"Content-Encoding": encoding}
    answer = client.post(f"/api/{acme.id}/envelope/", data=body, headers=headers)
    if answer.status_code != 200:  # a negative length is read as none
        assert (answer.status_code, answer.json["causes"]) == (400, ["undecodable"])


def test_a_body_shorter_than_announced_is_refused(client, waiting, acme, credentials):
    announced = {"CONTENT_LENGTH": "5000"}
    answer = client.post(
        f"/api/{acme.id}/envelope/",
        data=envelope(),
        headers=credentials,
        environ_overrides=announced,
    )
    assert answer.status_code == 400
    assert "early" in answer.json["detail"]
    assert waiting.read() == []
