"""Two-factor sign-in: set up, used, recovered from, required, and switched off."""

import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
import segno
from sqlalchemy import select

from console.accounts.models import LoginSession, RecoveryCode, TwoFactor
from console.app import create_app
from console.core.audit import AuditEntry
from console.core.db import db
from tests.accounts.authenticator import PAGE, App, begin, codes_on, set_up
from tests.accounts.reading import found
from tests.support.clients import HTMX, script
from tests.support.factories import PASSWORD, signed_in

ADA = {"email": "ada@acme.test", "password": PASSWORD}


def first_step(client) -> None:
    answer = client.post("/login", data={**ADA, "next": "/acme/settings/"})
    assert (answer.status_code, answer.location) == (303, "/login/code")


def second_step(client, code: str, path: str = "/login/code"):
    return client.post(path, data={"code": code})


@pytest.fixture(autouse=True)
def still(clock) -> None:
    """Let no half minute end while a test works."""
    clock.set(clock.now())


@pytest.fixture
def phone(as_ada, clock) -> App:
    """Ada's app; the half minute of its first code is over."""
    app = set_up(as_ada)
    clock.move(minutes=1)
    return app


class TestSettingUp:
    def test_a_code_of_the_app_switches_it_on(self, both_databases, app, as_ada, acme, inside):
        assert "your password alone lets nobody in" in as_ada.get("/account").text
        secret = begin(as_ada)
        page = as_ada.get(PAGE)
        assert page.headers["Cache-Control"] == "no-store"
        assert 'autocomplete="one-time-code"' in page.text
        shown = as_ada.post(f"{PAGE}/confirmation", data={"code": App(secret, []).code()})
        assert shown.headers["Cache-Control"] == "no-store"
        codes = codes_on(shown.text)
        assert len(set(codes)) == 10
        assert unquote(found(r"charset=utf-8,([^\"]+)", shown.text)).split() == codes
        assert "10 recovery codes left" in as_ada.get("/account").text
        assert secret not in as_ada.get(PAGE).text
        with inside(acme):
            assert "two_factor.switched_on" in db.session.scalars(select(AuditEntry.action)).all()
        first_step(app.test_client())

    def test_it_takes_the_password(self, as_ada):
        answer = as_ada.post(f"{PAGE}/enrolment", data={"current": "wrong"})
        assert (answer.status_code, "not your current password" in answer.text) == (422, True)
        assert "<img" not in as_ada.get(PAGE).text

    def test_another_code_does_not_switch_it_on(self, as_ada, app):
        secret = begin(as_ada)
        answer = as_ada.post(f"{PAGE}/confirmation", data={"code": "000000"})
        assert (answer.status_code, "not the code that the app shows" in answer.text) == (422, True)
        assert secret in answer.text
        assert app.test_client().post("/login", data=ADA).location == "/"

    def test_a_secret_waits_a_quarter_of_an_hour(self, as_ada, clock):
        secret = begin(as_ada)
        clock.move(minutes=16)
        assert secret not in as_ada.get(PAGE).text
        as_ada.post(f"{PAGE}/confirmation", data={"code": App(secret, []).code()})
        assert "took too long" in as_ada.get(PAGE).text

    def test_the_picture_is_of_the_address_that_apps_know(self, as_ada, monkeypatch):
        drawn = []
        make = segno.make

        def note(text, **options):
            drawn.append(text)
            return make(text, **options)

        monkeypatch.setattr(segno, "make", note)
        secret = begin(as_ada)
        assert drawn[-1] == f"otpauth://totp/Pharos:ada%40acme.test?secret={secret}&issuer=Pharos"

    def test_browsers_stay_logged_in(self, app, as_ada):
        other = signed_in(app, "ada@acme.test")
        set_up(as_ada)
        assert other.get("/acme/").status_code == 200

    def test_the_secret_is_not_readable_where_it_is_kept(self, app, phone):
        with app.app_context():
            sealed = db.session.execute(select(TwoFactor.__table__.c.sealed)).scalar_one()
            hashes = db.session.scalars(select(RecoveryCode.__table__.c.hash)).all()
        assert phone.secret.encode() not in sealed
        assert not set(hashes) & {code.replace("-", "") for code in phone.recovery_codes}


class TestSecondStep:
    def test_it_leads_where_one_wanted_to_go(self, both_databases, app, phone):
        client = app.test_client()
        first_step(client)
        assert client.get("/acme/").status_code == 303  # half signed in is not signed in
        page = client.get("/login/code").text
        assert re.search(r'<input(?=[^>]*autocomplete="one-time-code")[^>]*name="code"', page)
        code = phone.code()
        answer = second_step(client, f" {code[:3]} {code[3:]}")
        assert (answer.status_code, answer.location) == (303, "/acme/settings/")
        assert client.get("/acme/").status_code == 200

    @pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (1, 303), (2, 422)])
    def test_clocks_may_differ_by_half_a_minute(self, app, phone, clock, steps, status):
        clock.move(minutes=2)
        client = app.test_client()
        first_step(client)
        assert second_step(client, phone.code(steps)).status_code == status

    def test_a_code_is_taken_once(self, app, phone):
        code, earlier = phone.code(), phone.code(-1)
        for given, status in ((code, 303), (code, 422), (earlier, 422)):
            client = app.test_client()
            first_step(client)
            assert second_step(client, given).status_code == status

    def test_a_recovery_code_is_taken_once(self, both_databases, app, phone, inside, acme):
        code = phone.recovery_codes[3].upper().replace("-", " ")
        for status in (303, 422):
            client = app.test_client()
            first_step(client)
            assert second_step(client, code, "/login/recovery-code").status_code == status
        assert "9 recovery codes left" in signed_in_by(app, phone).get("/account").text
        with inside(acme):
            used = select(AuditEntry).where(AuditEntry.action == "recovery_code.used")
            assert db.session.scalars(used).one().actor == "ada@acme.test"

    def test_tries_are_limited_for_each_network_and_browser(self, app, phone, clock):
        client = app.test_client()
        first_step(client)
        tries = [second_step(client, "000000").status_code for _ in range(6)]
        assert tries == [422] * 5 + [429]
        assert second_step(client, phone.code()).status_code == 429
        recovery = second_step(client, phone.recovery_codes[0], "/login/recovery-code")
        assert recovery.status_code == 429
        clock.move(minutes=1)
        assert second_step(client, phone.code()).status_code == 303

    def test_ten_minutes_are_enough(self, app, phone, clock):
        client = app.test_client()
        first_step(client)
        clock.move(minutes=10, seconds=1)
        assert second_step(client, phone.code()).location == "/login"
        assert "Log in again" in client.get("/login").text

    @pytest.mark.parametrize("change", ["password", "second factor"])
    def test_a_first_step_of_before_a_change_is_void(self, app, as_ada, phone, clock, change):
        client = app.test_client()
        first_step(client)
        if change == "password":
            form = {"current": PASSWORD, "password": "four words in a row"}
            assert as_ada.post("/account/password", data=form).status_code == 303
        else:
            assert end(as_ada, phone.code()).status_code == 303
            phone = set_up(as_ada)
            clock.move(minutes=1)
        assert second_step(client, phone.code()).location == "/login"

    def test_without_a_first_step_there_is_none(self, app, phone):
        for path in ("/login/code", "/login/recovery-code"):
            assert app.test_client().get(path).location == "/login"
            assert second_step(app.test_client(), phone.code(), path).location == "/login"

    def test_a_session_begins_with_the_second_step_only(self, app, phone):
        with app.app_context():
            before = db.session.scalars(select(LoginSession.__table__.c.id)).all()
            first_step(app.test_client())
            assert db.session.scalars(select(LoginSession.__table__.c.id)).all() == before

    def test_another_key_of_the_console_reads_it_while_the_former_is_known(
        self, app, settings, phone
    ):
        former = settings.secret_key
        rotated = replace(settings, secret_key="x" * 40, secret_key_fallbacks=(former,))
        assert log_in(rotated, phone.code()) == 303  # which seals it under the new key
        lost = replace(settings, secret_key="x" * 40)
        assert log_in(lost, phone.code(1)) == 303

    def test_a_key_that_is_lost_leaves_the_recovery_codes(self, app, settings, phone):
        lost = replace(settings, secret_key="x" * 40)
        assert log_in(lost, phone.code()) == 422
        assert log_in(lost, phone.recovery_codes[0], "/login/recovery-code") == 303


class TestChange:
    def test_both_factors_switch_it_off(self, both_databases, app, as_ada, phone, inside, acme):
        for proof in (("wrong", phone.code()), (PASSWORD, "000000")):
            assert end(as_ada, proof[1], proof[0]).status_code == 422
        assert end(as_ada, phone.code()).status_code == 303
        assert app.test_client().post("/login", data=ADA).location == "/"
        with app.app_context():
            for model in (TwoFactor, RecoveryCode):
                assert db.session.execute(select(model.__table__)).all() == []
        with inside(acme):
            assert "two_factor.switched_off" in db.session.scalars(select(AuditEntry.action)).all()

    def test_new_recovery_codes_replace_the_former(self, app, as_ada, phone):
        form = {"renewal-current": PASSWORD, "renewal-code": phone.code()}
        fresh = codes_on(as_ada.post(f"{PAGE}/recovery-codes", data=form).text)
        assert len(fresh) == 10
        for code, status in ((phone.recovery_codes[0], 422), (fresh[0], 303)):
            client = app.test_client()
            first_step(client)
            assert second_step(client, code, "/login/recovery-code").status_code == status

    def test_a_stolen_session_is_no_way_to_try_codes(self, as_ada, phone):
        tries = [end(as_ada, "000000").status_code for _ in range(6)]
        assert tries == [422] * 5 + [429]


class TestRequirement:
    @pytest.fixture
    def required(self, as_ada, phone) -> None:
        form = {"required": "y"}
        assert as_ada.post("/acme/settings/two-factor", data=form).status_code == 303

    def test_members_without_it_are_led_to_it(self, as_vic, as_ada, required, clock):
        answer = as_vic.get("/acme/shop/issues/?status=open")
        assert answer.location == f"{PAGE}?next=/acme/shop/issues/?status%3Dopen"
        page = as_vic.get(answer.location).text
        assert "Acme requires two-factor sign-in" in page
        secret = begin(as_vic, next="/acme/shop/issues/?status=open")
        form = {"code": App(secret, []).code(), "next": "/acme/shop/issues/?status=open"}
        shown = as_vic.post(f"{PAGE}/confirmation", data=form).text
        assert 'href="/acme/shop/issues/?status=open">I have kept them' in shown
        assert as_vic.get("/acme/").status_code == 200

    def test_a_part_leads_its_page_there(self, as_vic, required):
        headers = HTMX | {"HX-Current-URL": "http://localhost/acme/settings/"}
        answer = as_vic.get("/acme/settings/members", headers=headers)
        assert answer.headers["HX-Redirect"] == f"{PAGE}?next=/acme/settings/"

    def test_changes_are_held_as_well(self, as_alice, required, make_issue, acme):
        path = f"/acme/shop/issues/{make_issue(acme).id}/resolution"
        assert as_alice.post(path).location.startswith(PAGE)

    def test_other_organizations_and_the_account_stay_open(self, as_vic, as_eve, required):
        assert as_eve.get("/globex/").status_code == 200
        assert as_eve.get("/acme/").status_code == 404
        assert as_vic.get("/account").status_code == 200
        assert as_vic.get("/organizations").status_code == 200

    def test_scripts_go_on(self, app, as_ada, required):
        form = {"label": "ci", "permissions": "issues:read", "expires": "30"}
        page = as_ada.post("/acme/shop/settings/tokens", data=form).text
        token = found(r"pht_[\w-]{43}", page)
        assert script(app, token).get("/api/v1/acme/shop/issues").status_code == 200

    def test_an_owner_sets_it_up_first(self, as_ada):
        answer = as_ada.post("/acme/settings/two-factor", data={"required": "y"})
        assert (answer.status_code, "for yourself first" in answer.text) == (422, True)

    def test_it_takes_an_owner(self, as_alice, as_eve, acme):
        for client, status in ((as_alice, 403), (as_eve, 404)):
            answer = client.post("/acme/settings/two-factor", data={"required": "y"})
            assert answer.status_code == status

    def test_the_page_says_who_lacks_it_and_the_log_who_wanted_it(
        self, as_ada, required, inside, acme
    ):
        page = as_ada.get("/acme/settings/").text
        assert "2 members have not set it up: alice@acme.test, vic@acme.test." in page
        part = as_ada.post("/acme/settings/two-factor", headers=HTMX)
        assert part.text.startswith('<section class="card" id="two-factor-requirement">')
        with inside(acme):
            actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions[-2:] == ["two_factor.required", "two_factor.made_optional"]


def end(client, code: str, password: str = PASSWORD):
    return client.post(f"{PAGE}/ending", data={"ending-current": password, "ending-code": code})


def signed_in_by(app, phone: App):
    client = app.test_client()
    first_step(client)
    assert second_step(client, phone.code()).status_code == 303
    return client


def log_in(settings, code: str, path: str = "/login/code") -> int:
    """Log Ada in to a console with these settings; return what the second step is answered."""
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    first_step(client)
    status = int(second_step(client, code, path).status_code)
    with app.app_context():
        db.engine.dispose()
    return status
