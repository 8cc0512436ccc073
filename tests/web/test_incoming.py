import io
from typing import Any

import pytest
from flask import Flask, g, jsonify, request

from console.core.config import EXTENSION, Config
from console.web import frame, ids
from console.web.application import Application
from tests.fuzz.wire import Sent, send

NUL_SENTENCE = "holds a NUL character"


@pytest.fixture(scope="module")
def console() -> Flask:
    """What only reads it shares: compiling its templates takes longest."""
    return made()


def made() -> Flask:
    """The page system, with views that say what they were given."""
    app = Application("console", static_folder=None)
    app.config.update(SECRET_KEY="x" * 32, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    app.extensions[EXTENSION] = Config()
    frame.init_app(app)
    app.add_url_rule("/echo", view_func=echo, methods=["GET", "POST"])
    app.add_url_rule("/api/echo", "api", lambda: jsonify(request.get_json()), methods=["POST"])
    app.add_url_rule("/rows/<id:row>", "row", written)
    app.add_url_rule("/spool/<position:row>", "position", written)
    app.add_url_rule("/broken", "broken", broken)
    app.add_url_rule("/api/broken", "api_broken", broken)
    return app


def echo() -> Any:
    return jsonify(
        args=list(request.args.items(multi=True)),
        form=list(request.form.items(multi=True)),
        files=len(request.files),
        cookies=list(request.cookies.items(multi=True)),
        headers={name: value for name, value in request.headers if name.startswith(("X-", "Hx-"))},
        referrer=request.referrer,
        ids=request.form.getlist("id", type=ids.row_id),
        page=ids.counted("page", most=50),
        address=request.host_url,
    )


def written(row: int) -> str:
    return str(row)


def fail(_error: BaseException | None) -> None:
    raise RuntimeError("cleaning up")


def broken() -> str:
    raise RuntimeError


@pytest.fixture
def client(console):
    return console.test_client()


def test_a_path_or_query_with_nul_is_refused_in_words(client):
    for address in ("/echo?a=%00", "/echo?%00=1", "/rows/1%00", "/nothing%00", "/static/x/%00"):
        answer = client.get(address)
        assert answer.status_code == 400, address
        assert NUL_SENTENCE in answer.text
    problem = client.post("/api/echo?a=%00")
    assert (problem.status_code, problem.mimetype) == (400, "application/problem+json")


def test_bytes_that_are_no_text_stay_encoded(client):
    told = client.get("/echo?a=%ff&b=%ed%a0%80", environ_overrides={}).json
    assert told["args"] == [["a", "%FF"], ["b", "%ED%A0%80"]]
    raw = client.get("/echo", environ_overrides={"QUERY_STRING": "a=\xff&b=\xc3\xa9"}).json
    assert raw["args"] == [["a", "%FF"], ["b", "é"]]


def test_a_form_is_read_without_what_cannot_be_stored(client):
    sent = {"na\0me": "a\0b", "note": "ü\U0001f600"}
    for encoding in ("application/x-www-form-urlencoded", "multipart/form-data"):
        told = client.post("/echo", data=sent, content_type=encoding).json
        assert told["form"] == [["name", "ab"], ["note", "ü\U0001f600"]]


def test_a_file_where_a_text_belongs_counts_as_missing(client):
    told = client.post("/echo", data={"name": (io.BytesIO(b"x"), "x.txt"), "other": "1"}).json
    assert (told["form"], told["files"]) == ([["other", "1"]], 0)


def test_a_page_takes_no_json_as_a_form(client):
    assert client.post("/echo", json={"name": {"a": [1]}}).json["form"] == []


def test_headers_and_cookies_hold_no_control_characters_and_whole_addresses(console):
    environ = {
        "HTTP_X_NOTE": "a\0b\rc\x7fd\te",
        "HTTP_HX_CURRENT_URL": "http://[",
        "HTTP_REFERER": "https://[::1",
        "HTTP_COOKIE": 'theme="a\\000b"; c=\xff',
    }
    told = console.test_client(use_cookies=False).get("/echo", environ_overrides=environ).json
    assert told["headers"] == {"X-Note": "abcd\te"}
    assert told["referrer"] is None
    assert told["cookies"] == [["theme", "ab"], ["c", "ÿ"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a": ["b", 1.5, null]}', 200),
        (rb'{"a": "\\u0000"}', 200),  # a backslash before it: the text \u0000
        (rb'{"a": "\u0000"}', 400),
        (rb'{"a\\\u0000": 1}', 400),
        (rb'{"a": "\ud800"}', 400),
        (b'{"a": NaN}', 400),
        (b"[" * 100_000, 400),
        (b"{", 400),
        (b"\xff", 400),
    ],
)
def test_json_is_read_in_bounds(client, body, status):
    answer = client.post("/api/echo", data=body, content_type="application/json")
    assert answer.status_code == status, answer.text


def test_more_fields_than_any_form_has_are_refused(client):
    many = "&".join(["a=1"] * 1_001)
    assert client.get(f"/echo?{many}").status_code == 400
    urlencoded = {"data": many, "content_type": "application/x-www-form-urlencoded"}
    assert client.post("/echo", **urlencoded).status_code == 413
    parts = {f"field{number}": "1" for number in range(1_001)}
    assert client.post("/echo", data=parts, content_type="multipart/form-data").status_code == 413
    assert client.post("/echo", data={"a": "x" * (2 << 20)}).status_code == 413


@pytest.mark.parametrize("number", ["1", str(2**31 - 1)])
def test_an_id_is_what_the_column_can_hold(client, number):
    assert client.get(f"/rows/{number}").text == number
    assert client.post("/echo", data={"id": number}).json["ids"] == [int(number)]


@pytest.mark.parametrize(
    "number", ["0", "01", "-1", str(2**31), "9" * 5_000, "\u0661", "1e3", "1 "]
)
def test_another_number_is_nobodys_id(client, number):
    assert client.get(f"/rows/{number}").status_code == 404
    assert client.post("/echo", data={"id": number}).json["ids"] == []


def test_a_position_has_64_bits(client):
    assert client.get(f"/spool/{2**63 - 1}").text == str(2**63 - 1)
    assert client.get(f"/spool/{2**63}").status_code == 404


@pytest.mark.parametrize(
    ("page", "number"), [("", 1), ("7", 7), ("-3", 1), ("51", 50), ("9" * 5_000, 1), ("nan", 1)]
)
def test_the_number_of_a_page_is_one_that_there_may_be(client, page, number):
    assert client.get(f"/echo?page={page}").json["page"] == number


@pytest.mark.parametrize(
    "host", ["x" * 64, "xn--", ".", "a..b", "[::1", "a b", "x:99999", "\xff", ""]
)
def test_any_host_gets_an_answer(console, host):
    answer = send(console, Sent("nobody", "GET", b"/echo", headers={"Host": host}))
    assert answer.status in {200, 400}
    page = send(console, Sent("nobody", "GET", b"/nothing", headers={"Host": host}))
    assert page.status in {404, 400}
    assert dict(page.headers)["X-Request-Id"].encode() in page.body


def test_the_error_page_asks_no_session(console, client, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no session")

    monkeypatch.setattr(console.session_interface, "open_session", fail)
    answer = client.get("/echo")
    assert answer.status_code == 500
    assert f"request {answer.headers['X-Request-Id']}" in answer.text
    assert "/static/" in answer.text, "not the plain page"


@pytest.mark.parametrize("path", ["/broken", "/api/broken"])
def test_where_the_error_page_fails_there_is_a_plain_one(caplog, path):
    console = made()
    console.jinja_env.loader = None  # as if a template were broken
    console.after_request(lambda _: g.nothing)
    console.teardown_request(fail)
    answer = console.test_client().get(path)
    assert answer.status_code == 500
    assert answer.mimetype == ("text/html" if path == "/broken" else "application/problem+json")
    assert "Something broke on our side" in answer.text
    name = answer.headers["X-Request-Id"]
    assert name in answer.text
    assert name in caplog.text


@pytest.mark.parametrize("path", ["/acme/", "/acme/shop/issues/", "/no/such/page"])
def test_an_address_with_too_many_parameters_is_refused_in_a_page(as_vic, path):
    answer = as_vic.get(f"{path}?compare=0x10&{'&'.join(['page=0'] * 1500)}")
    assert answer.status_code in {400, 404}
    assert "<title>" in answer.text
