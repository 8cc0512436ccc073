"""Passkeys: what a device must answer to be added, and to sign its person in."""

import json
import time
from dataclasses import replace

import cbor2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from console.accounts import passkeys, queries, resets
from console.accounts.models import Passkey, PasswordReset
from console.core import clock as clock_module
from console.core.audit import AuditEntry
from console.core.crypto import hash_of
from console.core.db import db
from console.core.persons import enter_person, person_scope
from tests.accounts.authenticator import set_up
from tests.accounts.passkey_device import (
    EXTENDED,
    NEW,
    PRESENT,
    VERIFIED,
    Device,
    added,
    creation_options,
    log_in,
    request_options,
    tampered,
)
from tests.accounts.reading import found
from tests.support.chromium import Complaints, serious_violations
from tests.support.clients import HTMX
from tests.support.consoles import console
from tests.support.factories import PASSWORD, PASSWORD_HASH

ADA, EVE = "ada@acme.test", "eve@globex.test"
REFUSED = "This passkey does not open an account here."


def owned(app, email=ADA):
    with app.app_context():
        user = queries.user_by_email(email)
        assert user is not None
        with person_scope(user.id):
            return list(db.session.scalars(select(Passkey)))


def is_refused(answer, words=REFUSED):
    assert (answer.status_code, words in answer.text) == (422, True), answer.text
    return True


def test_a_passkey_signs_in_without_password_and_code(
    both_databases, app, client, as_ada, inside, acme
):
    set_up(as_ada)
    device = added(as_ada, name="Ada's phone")
    assert "Ada&#39;s phone" in as_ada.get("/account").text
    answer = log_in(client, device, then="/acme/")
    assert (answer.status_code, answer.location) == (303, "/acme/")
    assert ADA in client.get("/account").text
    assert as_ada.get("/account").status_code == 200  # other sessions stay
    passkey = owned(app)[0]
    assert (passkey.sign_count, passkey.last_used_at is not None) == (1, True)
    with inside(acme):
        entries = select(AuditEntry.target).where(AuditEntry.action == "passkey.added")
        assert db.session.scalars(entries).all() == [ADA]


def test_a_removed_passkey_opens_nothing(both_databases, app, client, as_ada, inside, acme):
    device = added(as_ada)
    path = f"/account/passkeys/{owned(app)[0].id}/removal"
    assert "No other site can ask for it" in as_ada.post(path, headers=HTMX).text
    assert is_refused(log_in(client, device))
    assert client.get("/account").status_code == 303
    with inside(acme):
        assert "passkey.removed" in db.session.scalars(select(AuditEntry.action)).all()


def test_nobody_removes_anothers_passkey(both_databases, app, as_ada, as_eve):
    added(as_ada)
    assert as_eve.post(f"/account/passkeys/{owned(app)[0].id}/removal").status_code == 404
    assert len(owned(app)) == 1


def test_the_browser_is_asked_for_what_makes_two_factors(as_ada):
    added(as_ada)
    options = creation_options(as_ada)
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert (options["rp"]["id"], options["attestation"]) == ("localhost", "none")
    assert len(options["excludeCredentials"]) == 1
    assert ADA not in options["user"]["id"]


def test_without_a_script_the_page_leads_back(as_ada):
    form = {"current": PASSWORD}
    page = as_ada.post("/account/passkeys/challenge", data=form, follow_redirects=True).text
    assert "<p data-passkey-absent>This takes JavaScript" in page
    assert 'passkeys. <a href="/account">Back to your account</a></p>' in page


def test_the_login_page_names_nobody(client, as_ada):
    added(as_ada)
    options = request_options(client)
    assert (options["allowCredentials"], options["userVerification"]) == ([], "required")


def test_a_passkey_takes_the_present_password(as_ada):
    wrong = as_ada.post("/account/passkeys/challenge", data={"current": "not this one"})
    assert (wrong.status_code, "not your current password" in wrong.text) == (422, True)
    assert "application/json" not in as_ada.get(NEW).text
    form = {"credential": Device().made({"challenge": "AAAA"}), "name": "Phone"}
    assert is_refused(as_ada.post("/account/passkeys", data=form), "longer than five minutes")


@pytest.mark.parametrize(
    "bad",
    [
        {"origin": "https://evil.test"},
        {"origin": "http://localhost:8000"},
        {"host": "evil.test"},
        {"flags": PRESENT},
    ],
)
def test_what_a_device_signs_is_of_this_place_and_person(app, client, as_ada, bad):
    form = {"credential": Device(**bad).made(creation_options(as_ada)), "name": "Phone"}
    assert is_refused(as_ada.post("/account/passkeys", data=form), "not a passkey that the console")
    assert owned(app) == []
    device = added(as_ada)
    assert is_refused(log_in(client, replace(device, **bad)))
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON"])
def test_a_tampered_answer_opens_nothing(client, as_ada, part):
    device = added(as_ada)
    form = {"credential": tampered(device.signed(request_options(client)), part)}
    assert is_refused(client.post("/login/passkey", data=form))


def test_anothers_key_does_not_open_it(client, as_ada):
    device = added(as_ada)
    assert is_refused(log_in(client, Device(credential_id=device.credential_id)))
    assert is_refused(log_in(client, Device()))


def test_a_challenge_is_good_once_even_for_who_kept_the_cookie(app, client, as_ada, clock):
    device = replace(added(as_ada), counts=False)
    form = {"credential": device.signed(request_options(client))}
    kept = client.get_cookie("pharos").value
    assert client.post("/login/passkey", data=form).status_code == 303
    clock.move(seconds=1)
    client.post("/logout")
    assert is_refused(client.post("/login/passkey", data=form), "longer than five minutes")
    client.set_cookie("pharos", kept)
    assert is_refused(client.post("/login/passkey", data=form))
    assert log_in(client, device).status_code == 303


def test_a_challenge_waits_for_five_minutes(client, as_ada, clock):
    device = added(as_ada)
    options, begun = request_options(client), creation_options(as_ada)
    clock.move(minutes=5, seconds=1)
    form = {"credential": device.signed(options)}
    assert is_refused(client.post("/login/passkey", data=form), "longer than five minutes")
    form = {"credential": Device().made(begun), "name": "Other"}
    assert is_refused(as_ada.post("/account/passkeys", data=form), "longer than five minutes")


def test_a_count_that_went_back_is_a_copy(client, as_ada, caplog):
    device = added(as_ada, Device(count=7))
    assert log_in(client, device).status_code == 303
    client.post("/logout")
    assert is_refused(log_in(client, replace(device, count=3)))
    assert "sign count of 4 was not greater than current count of 8" in caplog.text


def test_a_passkey_belongs_to_one_account(as_ada, as_eve, app):
    device = added(as_ada)
    form = {"credential": device.made(creation_options(as_eve)), "name": "Mine"}
    assert is_refused(as_eve.post("/account/passkeys", data=form), "was added before")
    assert owned(app, EVE) == []


def test_there_is_a_most(as_ada, monkeypatch):
    monkeypatch.setattr(passkeys, "MOST", 1)
    added(as_ada)
    form = {"credential": Device().made(creation_options(as_ada)), "name": "Second"}
    assert is_refused(as_ada.post("/account/passkeys", data=form), "Remove one first")


@pytest.mark.parametrize(
    "answer", ["", "x", "[]", "null", "{}", '{"id": 1}', '{"id": "a", "rawId": "a"}', "[" * 9000]
)
def test_nonsense_is_refused_with_words(client, as_ada, answer):
    request_options(client)
    assert client.post("/login/passkey", data={"credential": answer}).status_code == 422
    creation_options(as_ada)
    form = {"credential": answer, "name": "Phone"}
    assert as_ada.post("/account/passkeys", data=form).status_code == 422


def test_a_hostile_public_key_is_refused_with_words(as_ada):
    made = json.loads(Device().made(creation_options(as_ada)))
    whole = made["response"]["attestationObject"]
    made["response"]["attestationObject"] = whole[: len(whole) // 2]
    form = {"credential": json.dumps(made), "name": "Phone"}
    assert is_refused(as_ada.post("/account/passkeys", data=form), "not a passkey that the console")


def test_a_device_that_answers_in_costly_cbor_costs_nothing(client, as_ada):
    device = added(as_ada)
    expression = "(?i)" + "[\x01-\U0010fffe]" * 500  # the decoder compiles it for 4 s
    costly = cbor2.dumps({"a": cbor2.CBORTag(35, expression)})
    bad = Device(flags=PRESENT | VERIFIED | EXTENDED, extensions=costly)
    form = {"credential": bad.made(creation_options(as_ada)), "name": "Phone"}
    challenge = request_options(client)
    device.flags, device.extensions = bad.flags, costly
    began = time.process_time()
    assert is_refused(as_ada.post("/account/passkeys", data=form), "not a passkey that the console")
    assert is_refused(client.post("/login/passkey", data={"credential": device.signed(challenge)}))
    assert time.process_time() - began < 2


def test_extensions_of_a_device_are_taken(client, as_ada):
    plain = cbor2.dumps({"credProtect": 2, "hmac-secret": True, "a": [-5, "b", b"c", 1.5]})
    device = Device(flags=PRESENT | VERIFIED | EXTENDED, extensions=plain)
    assert log_in(client, added(as_ada, device)).status_code == 303


def test_failed_tries_of_a_network_wait(client, as_ada, clock):
    device = added(as_ada)
    for _ in range(20):
        assert is_refused(log_in(client, Device()))
    assert log_in(client, Device()).status_code == 429
    clock.move(minutes=1, seconds=1)
    assert log_in(client, device).status_code == 303


def test_it_satisfies_an_organization_that_wants_two_factors(app, client, as_ada, as_vic):
    set_up(as_ada)
    assert as_ada.post("/acme/settings/two-factor", data={"required": "y"}).status_code == 303
    assert as_vic.get("/acme/").status_code == 303
    device = added(as_vic)
    assert as_vic.get("/acme/").status_code == 303  # this browser came by password alone
    assert log_in(client, device).status_code == 303
    assert client.get("/acme/").status_code == 200


def test_a_reset_by_mail_removes_them(app, client, as_ada):
    device = added(as_ada)
    with app.test_request_context():
        user = queries.user_by_email(ADA)
        assert user is not None
        enter_person(user.id)
        with person_scope(user.id):
            ends = clock_module.now() + resets.LASTS
            db.session.add(PasswordReset(user_id=user.id, hash=hash_of("link"), expires_at=ends))
        assert resets.change_password(user, "link", PASSWORD_HASH)
        db.session.commit()
    assert is_refused(log_in(client, device))


def test_a_console_without_https_says_so(settings, tmp_path):
    for url in ("http://pharos.test", "https://192.0.2.7"):
        with console(replace(settings, base_url=url), templates=str(tmp_path)) as app:
            client = app.test_client()
            assert client.post("/login/passkey/challenge").status_code == 404
            assert "data-passkey" not in client.get("/login").text


def test_passkeys_are_bound_to_the_consoles_own_address(settings, tmp_path):
    url = "https://pharos.test:8443"
    addressed = console(replace(settings, base_url=url), templates=str(tmp_path))
    with addressed as app, app.test_request_context(base_url="https://evil.test"):
        assert passkeys.site() == passkeys.Site("pharos.test", url)


@pytest.mark.browser
def test_a_browser_adds_a_passkey_and_logs_in_with_it(chromium: Page, server):
    server.run("user", "create", ADA, "--password-stdin", stdin=PASSWORD)
    url = server.url.replace("127.0.0.1", "localhost")
    complaints = Complaints(chromium)
    device = chromium.context.new_cdp_session(chromium)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    chromium.goto(f"{url}/login")
    chromium.get_by_label("E-mail").fill(ADA)
    chromium.get_by_label("Password").fill(PASSWORD)
    chromium.get_by_role("button", name="Log in", exact=True).click()
    chromium.goto(f"{url}/account")
    chromium.get_by_role("link", name="Add a passkey").click()
    chromium.get_by_label("Current password").fill(PASSWORD)
    chromium.get_by_role("button", name="Continue").click()
    chromium.get_by_label("Name").fill("Laptop")
    assert serious_violations(chromium) == []
    chromium.get_by_role("button", name="Add the passkey").click()
    expect(chromium.locator("#passkeys")).to_contain_text("Laptop")
    assert serious_violations(chromium) == []
    chromium.context.clear_cookies()
    chromium.goto(f"{url}/login?next=/account")
    chromium.get_by_role("button", name="Log in with a passkey").click()
    expect(chromium.locator("#passkeys")).to_contain_text("used")
    assert found(r"never used|used", chromium.locator("#passkeys").inner_text()) == "used"
    assert complaints.heard == []
