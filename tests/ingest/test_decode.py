"""Bodies as clients send them, and as attackers do."""

import base64
import gzip
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from os import urandom

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from console.ingest.client_json import load_json
from console.ingest.content_encodings import TooLarge, Undecodable, beginning, inflate
from console.ingest.protocol import ItemHead
from console.ingest.sentry.envelope import (
    HEADER_LIMIT,
    ITEM_LIMIT,
    Envelope,
    Item,
    parse_envelope,
    parse_store,
    peek,
)
from console.ingest.sentry.protocol import survey_store

BODY = b'{"event_id":"00"}\n{"type":"event"}\n{"message":"hello"}\n' * 20


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def with_brotli(body: bytes) -> bytes:
    small: bytes = brotli.compress(body, quality=5)  # 89 bytes for 50 MiB
    return small


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": raw_deflate,
    "br": with_brotli,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS.items())
def test_inflates_what_clients_send(encoding, encode):
    assert inflate(encode(BODY), encoding, limit=len(BODY)) == BODY


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS.items())
def test_the_header_of_an_envelope_is_read_from_its_beginning(encoding, encode):
    begun = encode(BODY + bytes(1000) + urandom(400_000))[:160_000]
    assert beginning(begun, encoding, limit=HEADER_LIMIT).startswith(BODY[:100])


def test_gzip_is_known_by_its_bytes_where_its_name_was_lost_or_kept_on_the_way():
    assert inflate(gzip.compress(BODY), "", limit=len(BODY)) == BODY
    assert inflate(BODY, "gzip", limit=len(BODY)) == BODY
    assert beginning(gzip.compress(BODY), None, limit=HEADER_LIMIT).startswith(BODY[:100])
    with pytest.raises(TooLarge):
        inflate(gzip.compress(BODY), "", limit=len(BODY) - 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "utf-8", "binary", "none"])
def test_json_is_read_as_it_is_whatever_encoding_is_named(encoding):
    """Proxies unpack a body and leave the name; scripts name a charset."""
    assert inflate(BODY, encoding, limit=len(BODY)) == BODY
    assert beginning(BODY, encoding, limit=HEADER_LIMIT).startswith(BODY[:100])
    with pytest.raises(TooLarge):
        inflate(BODY, encoding, limit=len(BODY) - 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "utf-8"])
def test_what_is_neither_json_nor_of_the_encoding_is_refused(encoding):
    with pytest.raises(Undecodable):
        inflate(b"\xffnonsense", encoding, limit=100)


def test_no_header_is_no_encoding():
    assert inflate(BODY, None, limit=len(BODY)) == BODY


def test_encodings_are_undone_in_reverse_order():
    body = gzip.compress(brotli.compress(BODY))
    assert inflate(body, "br, identity, gzip", limit=len(BODY)) == BODY


def test_gzip_members_are_one_body():
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", "gzip", limit=2) == b"ab"


def test_a_million_members_are_refused_at_once():
    with pytest.raises(Undecodable, match="more than 32 gzip streams"):
        inflate(gzip.compress(b"") * 1_000_000, "gzip", limit=20 << 20)


def test_a_million_empty_lines_are_skipped_at_once():
    before = time.process_time()
    assert len(parse_envelope(b"{}\n" + b"\n" * (20 << 20) + b'{"type":"event"}\n{}').items) == 1
    assert time.process_time() - before < 2  # line by line it is half a minute


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stops_at_the_limit(encoding):
    bomb = ENCODERS[encoding](bytes(50 << 20))
    with pytest.raises(TooLarge, match="1,048,576 bytes"):
        inflate(bomb, encoding, limit=1 << 20)


def test_a_bomb_takes_bounded_memory():
    """89 bytes of brotli are 50 MiB; the process that refuses them stays small."""
    script = (
        "import brotli, resource, sys\n"
        "from console.ingest.content_encodings import TooLarge, inflate\n"
        "bomb = bytes.fromhex(sys.argv[1])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: inflate(bomb, 'br', limit=1 << 20)\n"
        "except TooLarge: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    bomb = with_brotli(bytes(50 << 20))
    assert len(bomb) < 100
    run = [sys.executable, "-c", script, bomb.hex()]
    grown = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert grown < 8 * 1024  # KiB


def test_a_bomb_in_a_bomb_stops_at_the_limit():
    twice = gzip.compress(gzip.compress(bytes(50 << 20)))
    with pytest.raises(TooLarge):
        inflate(twice, "gzip, gzip", limit=1 << 20)


def test_identity_has_the_limit_too():
    with pytest.raises(TooLarge):
        inflate(b"four", "identity", limit=3)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_stream_that_ends_early_is_undecodable(encoding):
    whole = ENCODERS[encoding](BODY)
    for end in (1, len(whole) // 2, len(whole) - 1):
        with pytest.raises(Undecodable, match="broken or ends early"):
            inflate(whole[:end], encoding, limit=1 << 20)


def test_unknown_and_too_many_encodings_are_refused_by_name():
    with pytest.raises(Undecodable, match="'compress' is not one of gzip"):
        inflate(b"\x1f\x9d" + BODY, "compress", limit=1 << 20)
    with pytest.raises(Undecodable, match="more than 3"):
        inflate(BODY, "gzip,gzip,gzip,gzip", limit=1 << 20)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "br,gzip", ""]))
def test_any_bytes_inflate_or_are_undecodable(body, encoding):
    with suppress(Undecodable):
        assert len(inflate(body, encoding, limit=1000)) <= 1000


def test_payload_ends_at_its_length_else_at_the_newline():
    raw = (
        b'{"event_id":"e","unknown":1}\n'
        b'{"type":"attachment","length":5,"filename":"a"}\n1\n2\n3\n'
        b'{"type":"event"}\n{"message":"no length"}\n'
        b"\n"
        b'{"type":"surprise","x":[]}\n{}'
    )
    envelope = parse_envelope(raw)
    assert envelope.header == {"event_id": "e", "unknown": 1}
    assert [(item.type, item.payload) for item in envelope.items] == [
        ("attachment", b"1\n2\n3"),
        ("event", b'{"message":"no length"}'),
        ("surprise", b"{}"),
    ]
    assert not envelope.cut
    heads = [ItemHead("attachment", 5), ItemHead("event", 23), ItemHead("surprise", 2)]
    assert peek(raw)[1] == heads


def test_an_empty_header_and_no_items_is_an_envelope():
    assert parse_envelope(b"{}") == Envelope({}, [])


def test_windows_line_ends_are_read():
    envelope = parse_envelope(b'{}\r\n{"type":"event","length":2}\r\n{}\r\n')
    assert [item.payload for item in envelope.items] == [b"{}"]


@pytest.mark.parametrize("length", [None, "5", -1, True, 1.5])
def test_a_length_that_is_none_is_ignored(length):
    head = json.dumps({"type": "event", "length": length})
    assert parse_envelope(f"{{}}\n{head}\n[1,2,3]\n".encode()).items[0].payload == b"[1,2,3]"


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (b'{"type":"event","length":100}\n{"mess', "item 2 is cut off: 6 of 100 bytes"),
        (
            b'{"type":"attachment","length":3}\n\0\1\2\3\n',
            "item 2 does not end where its length says",
        ),
        (b'{"type":"eve', "the header of item 2 is not JSON"),
        (b"[]\n{}\n", "the header of item 2 is not a JSON object"),
        (b"x" * (HEADER_LIMIT + 1), "the header of item 2 is longer than 16,384 bytes"),
    ],
)
def test_what_stands_before_a_cut_is_kept_and_the_cut_is_told(rest, why):
    whole = b'{}\n{"type":"session"}\n{}\n'
    envelope = parse_envelope(whole + rest)
    assert [item.type for item in envelope.items] == ["session"]
    assert envelope.cut == why
    assert [head.type for head in peek(whole + rest)[1]] == ["session"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n\n"])
def test_a_last_event_that_is_whole_is_kept_whatever_its_length_says(end):
    body = f'{{}}\n{{"type":"event","length":99}}\n{{"message":"whole"}}{end}'.encode()
    (item,) = parse_envelope(body).items
    assert json.loads(item.payload) == {"message": "whole"}
    cut = b'{}\n{"type":"event","length":99}\n{"message":"}'
    assert parse_envelope(cut).cut == "item 1 is cut off: 13 of 99 bytes"


def test_a_length_in_characters_is_no_reason_to_lose_an_event():
    sent = '{"message":"für 5 €"}'
    head = json.dumps({"type": "event", "length": len(sent)})
    raw = f'{{}}\n{head}\n{sent}\n{{"type":"session"}}\n{{}}\n'.encode()
    envelope = parse_envelope(raw)
    assert [item.payload for item in envelope.items] == [sent.encode(), b"{}"]
    assert (envelope.cut, len(peek(raw)[1])) == ("", 2)
    assert parse_envelope(raw[: raw.index(b'\n{"type":"session')]).items == envelope.items[:1]


def test_items_beyond_the_limit_are_cut():
    envelope = parse_envelope(b"{}\n" + b'{"type":"session"}\n{}\n' * (ITEM_LIMIT + 1))
    assert (len(envelope.items), envelope.cut) == (ITEM_LIMIT, "more than 1000 items")


def test_a_container_says_how_much_it_holds():
    raw = b'{}\n{"type":"span","item_count":40}\n{}\n{"type":"log","item_count":true}\n{}\n'
    assert [head.quantity for head in peek(raw)[1]] == [40, 1]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "the body is empty"),
        (b" \n\n", "the body is empty"),
        (b"not json\n", "the envelope header is not JSON"),
        (b"[]\n", "the envelope header is not a JSON object"),
        (b"{" + b" " * HEADER_LIMIT + b"}", "the envelope header is longer than 16,384 bytes"),
    ],
)
def test_an_unreadable_header_is_told_to_the_sender(raw, why):
    for read in (parse_envelope, peek):
        with pytest.raises(Undecodable, match=why):
            read(raw)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_an_envelope_or_undecodable(body):
    try:
        envelope = parse_envelope(body)
    except Undecodable:
        return
    assert [item.type for item in envelope.items] == [head.type for head in peek(body)[1]]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_payload_survives_with_its_length(payloads):
    heads = [json.dumps({"type": "attachment", "length": len(one)}).encode() for one in payloads]
    lines = [part for pair in zip(heads, payloads, strict=True) for part in pair]
    assert [item.payload for item in parse_envelope(b"\n".join([b"{}", *lines])).items] == payloads


def test_store_takes_json_and_what_raven_sent():
    event = b'{"message":"hello"}'
    assert parse_store(event, limit=100) == Envelope({}, [Item("event", event)])
    raven = base64.b64encode(zlib.compress(event))
    assert parse_store(raven, limit=100) == Envelope({}, [Item("event", event)])
    with pytest.raises(Undecodable, match="larger than"):
        parse_store(base64.b64encode(zlib.compress(bytes(1 << 20))), limit=1 << 10)
    for inner in (event, zlib.compress(event), gzip.compress(event)):
        for old in (base64.encodebytes(inner), base64.b64encode(inner), b"\xef\xbb\xbf" + event):
            assert parse_store(old, limit=100) == Envelope({}, [Item("event", event)])
    for nonsense, words in {
        b"": "the body is empty",
        b" \xef\xbb\xbf ": "the body is empty",
        b"hello there": "neither JSON nor base64",
        b"==": "neither JSON nor base64",
        b"[" + event + b"]": "is a JSON list, and an event is a JSON object",
        b'"hello"': "is a JSON text, and an event is",
        b"null": "is null, and an event is",
        b"true": "is true or false, and an event is",
        b"12": "is a JSON number, and an event is",
    }.items():
        with pytest.raises(Undecodable, match=words):
            survey_store(nonsense)
    for hidden in (b"[]", zlib.compress(b"[" + event + b"]"), zlib.compress(b"null")):
        with pytest.raises(Undecodable, match="and an event is a JSON object"):
            survey_store(base64.b64encode(hidden))


def deep(levels):
    """What is kept of objects and lists in each other."""
    inner = "[nested too deeply]" if not levels else deep(levels - 1)
    return {"b": [0, ']"', inner]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[NaN, Infinity, -Infinity]", [None, None, None]),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", "18446744073709551616"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"-" + b"9" * 5000, "-" + "9" * 5000),
        (b'"\\ud800"', "\ud800"),
        (b'"\xff"', "\ufffd"),
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (
            b'{"a":[' + b'{"b":[0,"]\\"",' * 9_000 + b"1" + b"]}" * 9_000 + b'],"c":"}","d":NaN}',
            {"a": [deep(48)], "c": "}", "d": None},
        ),
    ],
)
def test_json_that_strict_readers_refuse(text, value):
    assert load_json(text) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"a":}', b"[" * 100_000, b"[" * 9_000 + b"1", b"[" * 300_000, b'["\\"', b"nul"],
)
def test_json_that_nobody_can_read(text):
    with pytest.raises(Undecodable):
        load_json(text)
