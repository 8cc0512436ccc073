"""Every address that Sentry's clients use is answered as they expect, and counted."""

import json
from uuid import UUID

import pytest

from console.ingest import refusals
from tests.ingest.envelopes import event

GIF = b"GIF89a"
MULTIPART = "multipart/form-data; boundary=x"
DUMP = (
    b'--x\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\nMDMP" + bytes(5000) + b"\r\n--x--\r\n"
)


@pytest.fixture
def counted(app, stored, digest, acme):
    """Quantities by type, outcome and reason, after everything was flushed and digested."""

    def counted():
        app.extensions[refusals.EXTENSION].flush()
        digest.drain()
        return stored(acme).ledger()

    return counted


def ignored(item_type, quantity=1):
    return {(item_type, "ignored", "not stored yet"): quantity}


@pytest.mark.parametrize("path", ["minidump/", "minidump", "playstation/"])
def test_a_crash_dump_gets_its_id_as_text(client, counted, waiting, acme, key, path):
    url = f"/api/{acme.id}/{path}?sentry_key={key}"
    answer = client.post(url, data=DUMP, content_type=MULTIPART)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert str(UUID(answer.text)) == answer.text
    assert waiting.read() == []
    assert counted() == ignored("minidump")


def test_a_crash_of_unreal_engine_has_its_key_in_the_address(client, counted, acme, key):
    url = f"/api/{acme.id}/unreal/{key}/?AppVersion=1"
    answer = client.post(url, data=b"CR1" + bytes(900), content_type="application/octet-stream")
    assert answer.status_code == 200
    assert str(UUID(answer.text)) == answer.text
    assert counted() == ignored("unreal_report")


def test_an_attachment_that_comes_after_its_event(client, counted, acme, key):
    url = f"/api/{acme.id}/events/{'a' * 32}/attachments/?sentry_key={key}"
    answer = client.post(url, data=DUMP, content_type=MULTIPART)
    assert answer.status_code == 201
    assert counted() == ignored("attachment")


def test_what_is_not_kept_is_for_holders_of_a_key_too(client, counted, acme, globex, key):
    for path in (
        f"/api/{acme.id}/minidump/",
        f"/api/{acme.id}/minidump/?sentry_key={'0' * 32}",
        f"/api/{acme.id}/unreal/{'0' * 32}/",
        f"/api/{globex.id}/minidump/?sentry_key={key}",
    ):
        answer = client.post(path, data=DUMP, content_type=MULTIPART)
        assert answer.status_code in {401, 403}
        assert answer.json["detail"]
    assert not [outcome for _, outcome, _ in counted() if outcome == "ignored"]


def test_the_feedback_dialogue_is_a_script_that_shows_nothing(client, counted, acme, key):
    query = {"dsn": f"http://{key}@localhost/{acme.id}", "eventId": "a" * 32}
    shown = client.get("/api/embed/error-page/", query_string=query)
    assert (shown.status_code, shown.mimetype) == (200, "text/javascript")
    assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    form = {"name": "Ann", "email": "ann@shop.test", "comments": "It broke."}
    origin = {"Origin": "https://shop.test"}
    answer = client.post("/api/embed/error-page/", query_string=query, data=form, headers=origin)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.test"
    assert counted() == ignored("user_report", 2)
    assert client.get("/api/embed/error-page/").status_code == 401


def test_feedback_of_old_clients_is_taken_with_a_dsn_or_a_key(client, counted, acme, key):
    dsn = f"http://{key}@localhost/{acme.id}"
    wrong = f"http://{key}@localhost/{acme.id + 1}"
    report = {"event_id": "a" * 32, "name": "Ann", "email": "ann@shop.test", "comments": "Broke."}

    def answer(**headers):
        path = "/api/0/projects/acme/shop/user-feedback/"
        return client.post(path, json=report, headers={"Origin": "https://shop.test", **headers})

    for way in (
        {"Authorization": f"DSN {dsn}"},
        {"Authorization": f"Bearer {key}"},
        {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7"},
    ):
        taken = answer(**way)
        assert (taken.status_code, taken.mimetype) == (200, "application/json")
        assert taken.headers["Access-Control-Allow-Origin"] == "https://shop.test"
    for credentials in ("", f"DSN {wrong}", "DSN nonsense", "Bearer sntrys_abc"):
        assert answer(Authorization=credentials).status_code in {401, 403}
    assert "the part of a DSN before its @" in answer(Authorization="Bearer sntrys_abc").text
    refused = {("user_report", "refused", "key of another project"): 1}
    assert counted() == ignored("user_report", 3) | refused
    assert client.get("/api/0/projects/acme/shop/user-feedback/").status_code == 404


@pytest.mark.parametrize("way", ["address", "query", "header"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_plain_check_in_may_have_its_key_in_any_place(
    client, counted, acme, key, credentials, way, method
):
    path = f"/api/{acme.id}/cron/nightly-mail/"
    query, headers = {"status": "ok"}, {}
    if way == "address":
        path = f"{path}{key}/"
    elif way == "query":
        query["sentry_key"] = key
    else:
        headers = credentials
    answer = getattr(client, method)(path, query_string=query, headers=headers)
    assert answer.status_code == 202
    assert counted() == {("check_in", "stored", ""): 1}


def test_a_page_that_sends_by_loading_a_picture_gets_it(client, acme, key):
    query = {"sentry_version": "4", "sentry_key": key, "sentry_data": json.dumps(event())}
    answer = client.get(f"/api/{acme.id}/store/", query_string=query)
    assert (answer.status_code, answer.mimetype) == (200, "image/gif")
    assert answer.data.startswith(GIF)
    refused = client.get(f"/api/{acme.id}/store/", query_string=query | {"sentry_key": "0" * 32})
    assert (refused.status_code, refused.mimetype) == (403, "application/json")


@pytest.mark.parametrize(
    "path",
    ["security/", "csp-report/", "nel/", "minidump/", "unreal/abc/", "cron/a/", "store/"],
)
def test_browsers_may_ask_first(client, acme, path):
    asked = {
        "Origin": "https://shop.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = client.options(f"/api/{acme.id}/{path}", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.test"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", ["security/", "nel/", "minidump/", "unreal/abc/"])
def test_reports_and_crashes_are_not_fetched(client, acme, path):
    assert client.get(f"/api/{acme.id}/{path}").status_code == 404
