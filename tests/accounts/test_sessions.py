"""How long a browser stays signed in, and that no request writes for it."""

from sqlalchemy import event, func, select

from console.accounts import sessions
from console.accounts.models import LoginSession
from console.core.db import db
from tests.factories import PASSWORD, signed_in


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
    with app.app_context():
        latest = db.session.scalar(select(func.max(LoginSession.id)))
    part = as_vic.post(f"/account/sessions/{latest}/ending", headers={"HX-Request": "true"}).text
    assert part.startswith('<section class="card" id="sessions">')
    assert "iPhone" not in part
    assert other.get("/acme/").status_code == 303


def test_somebody_elses_session_is_not_found(app, as_vic, as_eve):
    with app.app_context():
        ids = db.session.scalars(select(LoginSession.id)).all()
    answers = [as_eve.post(f"/account/sessions/{i}/ending").status_code for i in ids]
    assert sorted(answers) == [303, 404]
    assert as_vic.get("/acme/").status_code == 200


def test_ended_ones_are_deleted(app, as_vic, clock):
    clock.move(days=40)
    with app.app_context():
        sessions.forget_ended()
        assert db.session.scalar(select(func.count(LoginSession.id))) == 0


def signed_in_with(app, password: str) -> int:
    form = {"email": "vic@acme.test", "password": password}
    return int(app.test_client().post("/login", data=form).status_code)
