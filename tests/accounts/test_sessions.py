"""How long a browser stays signed in, and that no request writes for it."""

import re
from dataclasses import replace

from sqlalchemy import event, func, select

from console.accounts import sessions
from console.accounts.models import KnownBrowser, LoginSession
from console.app import create_app
from console.core.db import db
from tests.accounts.reading import found
from tests.support.clients import HTMX
from tests.support.factories import PASSWORD, in_name_of, signed_in

known_browser = KnownBrowser.__table__  # past the guard of a person's rows


def test_two_idle_weeks_end_it(as_vic, clock):
    clock.move(days=13)
    assert as_vic.get("/acme/").status_code == 200
    clock.move(days=13)
    assert as_vic.get("/acme/").status_code == 200
    clock.move(days=3)
    assert as_vic.get("/acme/").status_code == 200
    clock.move(days=2)  # thirty-one since the sign-in
    assert as_vic.get("/acme/").status_code == 303


def test_idle(as_vic, clock):
    clock.move(days=14, seconds=1)
    assert as_vic.get("/acme/").status_code == 303


def test_requests_write_nothing_but_one_sight_in_ten_minutes(app, as_vic, clock):
    written = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("SELECT", "BEGIN", "PRAGMA")):
            written.append(statement)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    for _ in range(5):
        as_vic.get("/acme/")
    assert written == []
    clock.move(minutes=11)
    for _ in range(5):
        as_vic.get("/acme/")
    assert len(written) == 1
    assert written[0].startswith("UPDATE login_session SET last_seen_at")


def test_a_page_without_a_person_asks_for_no_session(app, client):
    asked = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    client.get("/static/0123456789ab/pharos.css")
    assert asked == []


def test_changing_the_password_ends_the_others(app, as_vic):
    other = signed_in(app, "vic@acme.test")
    form = {"current": PASSWORD, "password": "another long secret"}
    assert as_vic.post("/account/password", data=form).status_code == 303
    assert as_vic.get("/acme/").status_code == 200
    assert other.get("/acme/").status_code == 303
    assert signed_in_with(app, PASSWORD) == 422
    assert signed_in_with(app, "another long secret") == 303


def test_browsers_are_listed_and_can_be_ended(app, as_vic):
    other = app.test_client()
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
    other.post(
        "/login",
        data={"email": "vic@acme.test", "password": PASSWORD},
        headers={"User-Agent": phone},
    )
    page = as_vic.get("/account").text
    assert "Safari on iPhone" in page
    assert page.count("this browser") == 1
    with in_name_of(app, "vic@acme.test"):
        latest = db.session.scalar(select(func.max(LoginSession.id)))
    part = as_vic.post(f"/account/sessions/{latest}/ending", headers=HTMX).text
    assert part.startswith('<section class="card" id="sessions">')
    assert "iPhone" not in part
    assert other.get("/acme/").status_code == 303


def test_somebody_elses_session_is_not_found(app, as_vic, as_eve):
    ids: list[int] = []
    for email in ("vic@acme.test", "eve@globex.test"):
        with in_name_of(app, email):
            ids += db.session.scalars(select(LoginSession.id)).all()
    answers = [as_eve.post(f"/account/sessions/{i}/ending").status_code for i in ids]
    assert sorted(answers) == [303, 404]
    assert as_vic.get("/acme/").status_code == 200


def test_a_browser_that_is_logged_out_stays_known_until_it_is_forgotten(app, as_vic, as_eve):
    other = app.test_client()
    sign_in(other)
    other.post("/logout")
    page = as_vic.get("/account").text
    path = found(r'"(/account/browsers/\d+/ending)"', page)
    assert page.count("logged out") == 1
    assert as_eve.post(path).status_code == 404
    part = as_vic.post(path, headers=HTMX).text
    assert part.startswith('<section class="card" id="sessions">')
    assert "logged out" not in part
    assert as_vic.post(path).status_code == 404


def test_all_others_can_be_ended(app, as_vic):
    other = signed_in(app, "vic@acme.test")
    assert as_vic.post("/account/sessions/ending").status_code == 303
    assert other.get("/acme/").status_code == 303
    assert as_vic.get("/acme/").status_code == 200


def test_ending_a_second_session_of_this_browser_does_not_end_the_first(app, as_vic):
    copy = app.test_client()
    copy.set_cookie("pharos-browser", as_vic.get_cookie("pharos-browser").value)
    sign_in(copy)
    path = found(r'"(/account/sessions/\d+/ending)"', as_vic.get("/account").text)
    assert as_vic.post(path).status_code == 303
    assert copy.get("/acme/").status_code == 303
    assert as_vic.get("/acme/").status_code == 200


def test_a_browser_is_known_to_each_of_its_people(app, acme):
    client = app.test_client()
    cookies = set()
    for email in ("vic@acme.test", "ada@acme.test", "vic@acme.test", "ada@acme.test"):
        sign_in(client, email)
        cookies.add(client.get_cookie("pharos-browser").value)
        client.post("/logout")
    assert len(cookies) == 2  # Vic's, then both
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(known_browser)) == 2


def test_a_person_has_twenty_known_browsers_at_most(app, acme):
    for _ in range(21):
        signed_in(app, "vic@acme.test")
    with app.app_context():
        ids = db.session.scalars(select(known_browser.c.id)).all()
    assert sorted(ids) == list(range(2, 22))


def test_the_cookie_of_a_known_browser_is_for_this_host_alone(settings, acme):
    app = create_app(replace(settings, base_url="https://pharos.test"))
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "vic@acme.test", "password": PASSWORD}
    answer = app.test_client().post("/login", data=form, base_url="https://pharos.test")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "browser" in c)
    assert re.match(r"__Host-pharos-browser=phb_[\w-]{43}; ", cookie)
    assert "; Max-Age=15552000; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    with app.app_context():
        db.engine.dispose()


def test_ended_ones_are_deleted(app, as_vic, clock):
    clock.move(days=40)
    with in_name_of(app, "vic@acme.test") as user_id:
        sessions.forget_ended([user_id])
        assert db.session.scalar(select(func.count(LoginSession.id))) == 0


def sign_in(client, email: str = "vic@acme.test") -> None:
    form = {"email": email, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303


def signed_in_with(app, password: str) -> int:
    form = {"email": "vic@acme.test", "password": password}
    return int(app.test_client().post("/login", data=form).status_code)
