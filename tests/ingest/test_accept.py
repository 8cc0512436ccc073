import base64
import gzip
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from console.accounts.models import Key
from console.core import clock as time
from console.core import config as configuration
from console.core.crypto import new_public_key
from console.core.db import db
from console.ingest import auth
from console.ingest.accept import sifted_at_once
from console.ingest.front import endpoints
from console.ingest.front.endpoints import Endpoints
from console.ingest.judging import Submission
from console.ingest.sentry.envelope import parse_envelope
from console.ingest.sentry.protocol import ENVELOPE, STORE
from tests.ingest.envelopes import ENCODE, envelope, event, item
from tests.ingest.full import filled

MIB = 1 << 20


def limit(inside: Any, acme: Any, quota: int) -> None:
    with inside(acme):
        db.session.execute(update(Key).values(quota_per_minute=quota))
        db.session.commit()


@pytest.mark.parametrize("encoding", ENCODE)
@pytest.mark.parametrize("form", ["X-Sentry-Auth", "Authorization", "query", "dsn", "tunnel"])
@pytest.mark.parametrize("chunked", [False, True])
def test_every_form_of_authentication_in_every_encoding(
    client, waiting, acme, key, form, encoding, chunked
):
    path, headers, dsn = f"/api/{acme.id}/envelope/", {}, {}
    if form == "query":
        path += f"?sentry_version=7&sentry_key={key}&sentry_client=sentry.javascript.node%2F11"
    elif form in {"dsn", "tunnel"}:
        dsn = {"dsn": f"http://{key}@localhost/{acme.id}"}
        path = "/tunnel/" if form == "tunnel" else path
    else:
        headers = {form: f"Sentry sentry_key={key}, sentry_version=7"}
    if encoding:
        headers["Content-Encoding"] = encoding
    body = ENCODE[encoding](envelope(event_id="e" * 32, **dsn) + item("event", event()))
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""} if chunked else {}
    answer = client.post(path, data=body, headers=headers, environ_overrides=environ)
    assert (answer.status_code, answer.json) == (200, {"id": "e" * 32})
    (row,) = waiting.read()
    assert (row.body, row.encoding) == (body, encoding)
    assert (row.organization_id, row.project_id) == (acme.organization_id, acme.id)


@pytest.mark.parametrize(
    "path", ["/api/{}/envelope/", "/api/{}/envelope", "/some/prefix/api/{}/envelope/"]
)
def test_a_path_before_the_project_and_a_missing_slash(send, acme, path):
    assert send(envelope(), path=path.format(acme.id)).status_code == 200


def test_the_spool_keeps_what_digest_needs_to_know(send, waiting, acme, clock):
    clock.set(datetime(2026, 11, 23, 18, 20, tzinfo=UTC))
    body = envelope(item("event", event()), item("attachment", b"\0\n\0", filename="a.bin"))
    send(body)
    (row,) = waiting.read()
    assert row.header == {"items": "event, attachment", "address": "127.0.0.1"}
    assert (row.kind, row.received_at) == ("sentry.envelope", time.now())


def test_an_event_of_an_old_client(send, waiting, acme):
    sent = event()
    answer = send(json.dumps(sent).encode(), path=f"/api/{acme.id}/store/", encoding="gzip")
    assert (answer.status_code, answer.json) == (200, {"id": sent["event_id"]})
    assert [row.kind for row in waiting.read()] == ["sentry.store"]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[", b'"text', b"{", b"\xff\xfe"])
def test_a_broken_event_of_an_old_client_is_the_senders_fault(send, waiting, ledger, acme, body):
    assert send(body, path=f"/api/{acme.id}/store/").status_code == 400
    assert waiting.read() == []
    (count,) = ledger()
    assert (count.item_type, count.outcome, count.reason) == ("event", "invalid", "undecodable")


def test_every_refusal_says_why_in_header_body_and_ledger(
    client, send, ledger, waiting, acme, globex, inside, key, clock
):
    def refused(form: str, path: str = "") -> tuple[int, str]:
        answer = send(envelope(), path=path, headers={"X-Sentry-Auth": form} if form else {})
        assert answer.json
        assert answer.json["detail"] == answer.headers["X-Sentry-Error"] != ""
        return answer.status_code, answer.json["causes"][0]

    other = f"/api/{globex.id}/envelope/"
    assert refused("") == (401, "no key")
    assert refused("Sentry sentry_key=short") == (403, "malformed key")
    assert refused(f"Sentry sentry_key={new_public_key()}") == (403, "unknown key")
    assert refused(f"Sentry sentry_key={key}", other) == (403, "key of another project")
    with inside(acme):
        db.session.execute(update(Key).values(disabled_at=time.now()))
        db.session.commit()
    clock.move(seconds=6)
    assert refused(f"Sentry sentry_key={key}") == (403, "disabled key")
    counts = {count.reason: count for count in ledger()}
    assert {count.project_id for count in counts.values()} == {acme.id}
    assert counts["disabled key"].outcome == "refused"
    assert key not in str(counts)
    assert waiting.read() == []


def test_the_tunnel_passes_on_only_what_is_for_this_server(client, waiting, acme, key):
    for host in ("sentry.io", "localhost.evil.example", "localhost:9999"):
        sent = client.post("/tunnel/", data=envelope(dsn=f"https://{key}@{host}/{acme.id}"))
        assert (sent.status_code, sent.json["causes"]) == (403, [auth.OTHER_SERVER])
    assert client.post("/tunnel/", data=envelope()).json["causes"] == [auth.NO_KEY]
    assert waiting.read() == []
    sent = client.post("/tunnel/", data=envelope(dsn=f"https://{key}@localhost:443/{acme.id}"))
    assert sent.status_code == 200


def test_a_page_of_any_origin_may_send_and_read_the_answer(client, send, acme):
    preflight = client.options(
        f"/api/{acme.id}/envelope/",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 204
    assert "X-Sentry-Auth" in preflight.headers["Access-Control-Allow-Headers"]
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    for answer in (preflight, send(envelope()), send(b"nonsense"), send(envelope(), headers={})):
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://shop.example"}
        for name in ("X-Sentry-Error", "X-Sentry-Rate-Limits", "Retry-After"):
            assert name in answer.headers["Access-Control-Expose-Headers"]
    allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"*", "Authorization"} <= set(allowed)  # the sign for all does not stand for that one
    assert client.options("/tunnel/").status_code == 204


@pytest.mark.parametrize("origin", ["https://shop.example:8443", "null", "capacitor://localhost"])
def test_a_page_that_sends_its_cookies_along_may_send_too(client, key, acme, origin):
    """As `sendBeacon` always does: open-telemetry/opentelemetry-js#3062."""
    address, refused = f"/api/{acme.id}/envelope/", f"/api/{acme.id}/minidump/"
    page, known = {"Origin": origin}, {"X-Sentry-Auth": f"Sentry sentry_key={key}"}
    for answer in (
        client.options(address, headers=page),
        client.options(refused, headers=page),
        client.post(address, data=envelope(), headers=page | known),
        client.post(address, data=envelope(), headers=page),
        client.post(refused, data=b"", headers=page),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["", "https://a.example, https://b.example", "https://ü.example"]
)
def test_what_is_no_origin_is_not_repeated(client, acme, origin):
    answer = client.options(f"/api/{acme.id}/envelope/", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_pages_are_not_for_scripts_of_other_pages(client):
    for path in ("/login", "/api/v1/acme/shop/issues", "/healthz"):
        answer = client.get(path, headers={"Origin": "https://shop.example"})
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


def test_other_methods_are_not_for_ingest(client, acme):
    for path in (f"/api/{acme.id}/envelope/", f"/api/{acme.id}/store/"):
        assert client.get(path).status_code == 404
    for path in ("/e/", "/batch/"):  # may be the pages of organizations
        assert client.get(path).location.startswith("/login")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/x/envelope/", "project"),
        ("/prefix/api/4505162248945664/store/", "project"),
        ("/api//envelope/", "project"),
        ("/api/shop/security/", "number"),
        ("/api/0/projects/acme/shop/releases/", "sentry-cli"),
        ("/v1/logs", "traces"),
        ("/api/1/integration/otlp/v1/metrics/", "traces"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "gRPC"),
        ("/batch/", "PostHog"),
        ("/e/?ip=1", "PostHog"),
        ("/i/v0/e/", "PostHog"),
        ("/flags/?v=2", "PostHog"),
    ],
)
def test_clients_of_what_is_not_taken_are_told_so_where_they_can_read_it(client, path, word):
    assert client.options(path).headers["Access-Control-Allow-Origin"] == "*"
    answer = client.post(path, data=b"{}", content_type="application/json")
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert word in answer.headers["X-Sentry-Error"]
    assert answer.headers["X-Sentry-Error"] in answer.json.values()


def test_an_exporter_of_logs_is_answered_in_its_own_encoding(client):
    answer = client.post("/v1/logs", data=b"", content_type="application/x-protobuf")
    assert (answer.status_code, answer.content_type) == (404, "application/x-protobuf")
    assert b"OTEL_LOGS_EXPORTER" in answer.data


def test_pages_of_2014_send_by_loading_an_image(client, waiting, acme, key):
    query = {"sentry_version": "4", "sentry_key": key}
    for data in (json.dumps(event()), base64.b64encode(zlib.compress(b'{"message":"x"}'))):
        answer = client.get(f"/api/{acme.id}/store/", query_string=query | {"sentry_data": data})
        assert answer.status_code == 200
    assert len(waiting.read()) == 2


def test_the_oldest_clients_name_no_project_and_the_first_new_ones_another_address(
    client, send, waiting, acme, key
):
    sent = client.post(f"/api/store/?sentry_key={key}", data=json.dumps(event()))
    assert sent.status_code == 200
    headers = {"Content-Type": "application/x-sentry-envelope"}
    path = f"/api/{acme.id}/store/?sentry_key={key}"
    assert client.post(path, data=envelope(), headers=headers).status_code == 200
    assert [(row.kind, row.project_id) for row in waiting.read()] == [
        ("sentry.store", acme.id),
        ("sentry.envelope", acme.id),
    ]


def test_three_times_the_quota_is_refused_before_it_is_accepted(
    send, waiting, ledger, inside, acme, clock
):
    clock.set(datetime(2026, 11, 23, 18, 20, 15, tzinfo=UTC))
    limit(inside, acme, 10)
    answers = [send(envelope()) for _ in range(30)]
    accepted = [a for a in answers if a.status_code == 200]
    assert len(accepted) == len(waiting.read()) == 10
    refused = answers[-1]
    assert (refused.status_code, refused.json["causes"]) == (429, ["over quota"])
    assert refused.headers["Retry-After"] == "45"
    assert refused.headers["X-Sentry-Rate-Limits"] == "45:error:key:quota"
    assert accepted[-1].headers["X-Sentry-Rate-Limits"] == "45:error:key:quota"
    assert "X-Sentry-Rate-Limits" not in accepted[0].headers
    assert [(c.item_type, c.reason, c.quantity) for c in ledger()] == [("event", "over quota", 20)]
    clock.move(seconds=45)
    assert send(envelope()).status_code == 200


def test_a_muted_category_is_left_out_and_the_rest_of_the_envelope_kept(
    send, waiting, ledger, inside, acme
):
    limit(inside, acme, 1)
    transaction, attachment = item("transaction", event()), item("attachment", b"\n\0\n")
    assert send(envelope(transaction)).status_code == 200
    answer = send(envelope(item("event", event()), transaction, attachment, event_id="e" * 32))
    assert (answer.status_code, answer.json) == (200, {"id": "e" * 32})
    assert re.fullmatch(
        r"\d+:attachment;error;transaction:key:quota", answer.headers["X-Sentry-Rate-Limits"]
    )
    row = waiting.read()[1]
    kept = parse_envelope(gzip.decompress(row.body))
    assert [(i.type, i.payload) for i in kept.items][1:] == [("attachment", b"\n\0\n")]
    assert kept.items[0].type == "event"
    assert (row.encoding, row.header["items"]) == ("gzip", "event, attachment")
    assert [(c.item_type, c.quantity) for c in ledger()] == [("transaction", 1)]


def test_a_client_report_is_exempt_from_quotas(send, inside, acme):
    limit(inside, acme, 1)
    send(envelope())
    answer = send(envelope(item("client_report", {"discarded_events": []})))
    assert answer.status_code == 200


def test_an_item_over_its_size_is_refused_and_counted_and_the_envelope_kept(
    send, waiting, ledger, acme
):
    large = item("event", event(message=token_hex(2 * MIB)))
    answer = send(envelope(large, item("session", {"sid": "1"})), encoding="gzip")
    assert answer.status_code == 200
    (row,) = waiting.read()
    assert [i.type for i in parse_envelope(gzip.decompress(row.body)).items] == ["session"]
    assert send(envelope(large), encoding="gzip").status_code == 413
    assert send(large.split(b"\n")[1], path=f"/api/{acme.id}/store/").status_code == 413
    (count,) = ledger()
    assert (count.item_type, count.reason, count.quantity) == ("event", "too large", 3)


def test_half_a_surrogate_pair_is_no_error_of_ours(client, send, waiting, ledger, inside, acme):
    limit(inside, acme, 1)
    odd = b'{"type":"\\ud800","item_count":%d,"a":%s,"b":"\\ud800"}\n{}' % (
        2**63 - 1, b"[" * 300 + b"]" * 300,
    )  # fmt: skip
    attachment = b'{"type":"attachment","filename":"\\ud800"}\n\n'
    body = b"\n".join([b'{"event_id":"\\ud800"}', odd, odd, odd, attachment])
    assert (send(body).status_code, send(body).status_code) == (200, 429)
    (row,) = waiting.read()
    assert row.header["items"] == "?, attachment"
    kept = parse_envelope(gzip.decompress(row.body))
    assert [i.type for i in kept.items] == ["?", "attachment"]
    assert sorted((c.item_type, c.quantity) for c in ledger()) == [
        ("?", 5_000_000), ("attachment", 1),
    ]  # fmt: skip


def test_no_header_can_be_smuggled_into_the_answer(client, acme, credentials):
    headers = {"X-Sentry-Auth": "Sentry sentry_key=é\x7f☃".encode().decode("latin-1")}
    answer = client.post(f"/api/{acme.id}/envelope/", data=envelope(), headers=headers)
    assert answer.status_code == 403
    assert answer.headers["X-Sentry-Error"].isascii()
    assert answer.headers["X-Sentry-Error"].isprintable()


def test_only_a_full_spool_answers_503_and_says_when_to_come_again(send, ledger, waiting):
    logs = json.dumps({"items": [{}] * 3}).encode()
    with filled(waiting):
        answer = send(envelope(item("event", event()), item("log", logs, item_count=3)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "full" in answer.headers["X-Sentry-Error"]
    lost = [(count.item_type, count.outcome, count.reason, count.quantity) for count in ledger()]
    assert lost == [("event", "refused", "storage full", 1), ("log", "refused", "storage full", 3)]


def test_without_the_database_an_unknown_key_is_told_to_come_again(send, monkeypatch):
    def fail(_key: str) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(auth, "_look_up", fail)
    answer = send(envelope())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_accepting_from_any_site_reads_no_cookie_and_sets_none(send, credentials):
    headers = {"Cookie": "session=x", "Sec-Fetch-Site": "cross-site"}
    answer = send(envelope(), headers=credentials | headers)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("hops", "address"), [(0, "127.0.0.1"), (1, "203.0.113.7")])
def test_only_trusted_proxies_are_believed(app, waiting, acme, credentials, hops, address):
    settings = app.extensions[configuration.EXTENSION]
    app.extensions[configuration.EXTENSION] = replace(settings, trusted_proxies=hops)
    endpoints.init_app(app)
    client = Client(app.wsgi_app)
    headers = credentials | {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    path = f"/api/{acme.id}/envelope/"
    client.post(path, data=envelope(), headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    (row,) = waiting.read()
    assert row.header["address"] == address


def test_the_event_loop_takes_only_what_is_light(app, send, acme, key):
    """Anything else would hold up all: a look-up, megabytes to inflate, OTLP's survey."""
    doors = Endpoints(app, app).doors
    light = envelope() + item("event", event())
    small = Submission(protocol=ENVELOPE, project_id=acme.id, key=key, body=light)
    assert sifted_at_once(small, doors) is None, "the database is to be asked for the key"
    send(light)
    answer = sifted_at_once(small, doors)
    assert answer is not None
    assert answer.row is not None
    assert (answer.status, answer.row.body) == (200, light)
    heavy = gzip.compress(envelope() + item("attachment", bytes(2 * MIB)))
    assert sifted_at_once(replace(small, body=heavy, encoding="gzip"), doors) is None
    assert sifted_at_once(replace(small, protocol=STORE), doors) is None
    refused = sifted_at_once(replace(small, project_id=acme.id + 1), doors)
    assert refused is not None
    assert (refused.status, refused.row) == (403, None)
