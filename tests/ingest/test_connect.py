import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from console.accounts.models import Key, MonitoringConfig
from console.core import clock
from console.core.db import db
from console.errors.models import Status
from console.ingest import auth, judging, web_vitals
from console.ingest.connecting import ADVICE, setups
from console.intake.ledger import STORED, Count, record
from tests.ingest.conftest import envelope, error, transaction
from tests.support.clients import HTMX
from tests.support.factories import public_key

CONNECT = "/acme/shop/connect"
ARRIVAL = "/acme/shop/connect/arrival"


@pytest.fixture
def sent(app, acme, client, digest):
    """`sent(envelope(…), key=…)` sends as an SDK does, and digests what came of it."""

    def send(body: bytes, *, key: str = "", project_id: int = 0, **headers: str) -> int:
        url = f"/api/{project_id or acme.id}/envelope/?sentry_key={key or public_key(app, acme)}"
        status = client.post(url, data=body, headers=headers).status_code
        app.extensions["pharos.refusals"].flush()
        digest.drain()
        return int(status)

    return send


@pytest.mark.parametrize(
    "setup", [one for one in setups() if "%DSN%" in one.code], ids=lambda one: one.name
)
def test_each_set_up_has_the_projects_dsn(as_vic, app, acme, setup):
    page = as_vic.get(f"{CONNECT}?setup={setup.name}").text
    dsn = f"http://{public_key(app, acme)}@localhost/{acme.id}"
    assert page.count(dsn) >= 2
    assert setup.install.splitlines()[0].replace('"', "&#34;") in page
    assert "%DSN%" not in page
    assert ("Run</h3>" in page) == bool(setup.run)
    for command in filter(None, (setup.run, setup.try_it)):
        assert f"<code>{command}</code>" in unescape(page), "each is copied by itself"


def test_the_beacon_needs_a_line_of_html_and_no_package(as_vic, app, acme):
    page = unescape(as_vic.get(f"{CONNECT}?setup=beacon").text)
    key = public_key(app, acme)
    assert '<script defer src="http://localhost/beacon.js"' in page
    assert f'data-key="{key}" data-project="{acme.id}"' in page
    assert "Install</h3>" not in page


def test_opentelemetry_is_set_up_by_variables_alone(as_vic, app, acme):
    page = unescape(as_vic.get(f"{CONNECT}?setup=opentelemetry").text)
    assert 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://localhost/v1/traces"' in page
    key = public_key(app, acme)
    assert f'OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20{key}"' in page


def test_something_else_sends_json_by_curl(as_vic, client, acme, digest, stored):
    page = unescape(as_vic.get(f"{CONNECT}?setup=other").text)
    command = re.search(
        r"curl -i '([^']+)' .*?--header '([^']+)' --data '([^']+)'", page, re.DOTALL
    )
    assert command
    url, header = urlsplit(command[1]), command[2].split(": ")
    sent = client.post(f"{url.path}?{url.query}", data=command[3], headers=dict([header]))
    assert sent.status_code == 200
    digest.drain()
    assert stored(acme).issues() == {"BackupFailed: no space left on /mnt/backup": 1}


def test_plain_python_has_a_set_up_that_runs(as_vic):
    page = unescape(as_vic.get(f"{CONNECT}?setup=python").text)
    code = re.search(r'aria-label="Code"><code>(.*?)</code>', page, re.DOTALL)
    assert code
    compile(unescape(code[1]), "main.py", "exec")
    assert "start_transaction" in code[1]


@pytest.mark.parametrize(
    "setup", [one for one in setups() if one.name != "beacon"], ids=lambda one: one.name
)
def test_each_set_up_says_what_the_first_trace_needs(as_vic, setup):
    page = unescape(as_vic.get(f"{CONNECT}?setup={setup.name}").text)
    assert f'<h3>The first trace</h3>\n      <div class="prose small"><p>{setup.trace}' in page


def test_python_set_ups_name_the_line_of_every_query(as_vic):
    assert "db_query_source_threshold_ms=0" in as_vic.get(f"{CONNECT}?setup=flask").text


def test_the_set_up_of_the_projects_platform_comes_first(as_vic):
    page = as_vic.get(CONNECT).text
    assert 'aria-current="page">Python</a>' in page.split("Kinds of application")[1]


def test_a_choice_of_set_up_is_a_part_for_htmx(as_vic):
    part = as_vic.get(f"{CONNECT}?setup=node", headers=HTMX).text
    assert part.lstrip().startswith('<section id="setup"')


def test_it_ticks_off_what_arrives(as_vic, sent):
    """Error, trace, release and web vital: each leads to its page as soon as it is there."""
    assert "Waiting for the first event" in as_vic.get(CONNECT).text
    before = as_vic.get(ARRIVAL, headers=HTMX)
    assert ticked(before.text) == {"Error": "", "Trace": "", "Release": "", "Web vital": ""}
    again = {**HTMX, "Pharos-Part": before.headers["Pharos-Part"]}
    assert as_vic.get(ARRIVAL, headers=again).status_code == 204
    sent(envelope(("transaction", transaction(release="shop@1.0"))))
    part = as_vic.get(ARRIVAL, headers=again).text
    assert "Data arrives, but no error yet" in part
    assert ticked(part) == {
        "Error": "",
        "Trace": "/acme/shop/performance/traces/",
        "Release": "/acme/shop/issues/?release=shop@1.0",
        "Web vital": "",
    }
    sent(envelope(("event", error("KeyError"))))
    part = as_vic.get(ARRIVAL, headers=again).text
    assert ticked(part)["Error"] == "/acme/shop/issues/1/"
    assert "KeyError: it broke" in part


def test_web_vitals_are_ticked_off_whoever_measured_them(as_vic, acme, inside):
    """The beacon and the SDKs of browsers are counted as the same kind."""
    with inside(acme):
        count = Count(acme.id, web_vitals.ITEM, STORED, "", 1, clock.now())
        record([count])
        db.session.commit()
    part = as_vic.get(ARRIVAL, headers=HTMX).text
    assert ticked(part)["Web vital"] == "/acme/shop/performance/vitals/"


def ticked(part: str) -> dict[str, str]:
    """What the page lists, with the link of what has arrived."""
    steps = [
        re.search(r'href="([^"]+)">([^<]+)</a>|()<span>([^<]+)</span>', item)
        for item in re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    ]
    return {step[2] or step[4]: unescape(step[1] or "") for step in steps if step}


def test_its_command_sends_an_event(as_vic, client, acme, digest, stored):
    page = as_vic.get(CONNECT).text
    command = page.split("curl -i --data-binary @- &#39;")[1]
    url = urlsplit(command.split("&#39;")[0])
    lines = [b"{}", b'{"type":"event"}', b'{"level":"error","message":"Hello from curl"}', b""]
    assert client.post(f"{url.path}?{url.query}", data=b"\n".join(lines)).status_code == 200
    digest.drain()
    assert stored(acme).issues() == {"Hello from curl": 1}


def test_every_reason_for_a_refusal_comes_with_advice():
    given = {auth.NO_KEY, auth.BAD_KEY, auth.UNKNOWN_KEY, auth.DISABLED_KEY, auth.OTHER_PROJECT}
    given |= {auth.OTHER_SERVER, auth.ORIGIN}
    given |= {
        judging.OVER_QUOTA,
        judging.SHARE_FULL,
        judging.TOO_LARGE,
        judging.CONTENT_TYPE,
        judging.UNDECODABLE,
    }
    assert given == set(ADVICE)


@pytest.mark.parametrize("page", ["connect", "dead-letters"])
def test_nothing_to_choose_stands_above_what_follows_no_choice(as_vic, acme, page):
    shown = as_vic.get(f"/acme/shop/{page}").text
    assert 'name="range"' not in shown
    assert 'name="environment"' not in shown


def test_an_unknown_key_is_told(as_vic, sent):
    assert sent(envelope(("event", error())), key="f" * 32) == 403
    _assert_told(as_vic, auth.UNKNOWN_KEY)


def test_a_malformed_key_is_told(as_vic, sent):
    assert sent(envelope(("event", error())), key="oops") in {400, 401, 403}
    _assert_told(as_vic, auth.BAD_KEY)


def test_a_disabled_key_is_told(as_vic, sent, acme, app, inside, clock):
    _change_key(inside, acme, disabled_at=clock.now() - timedelta(minutes=1))
    assert sent(envelope(("event", error()))) == 403
    _assert_told(as_vic, auth.DISABLED_KEY)
    assert "This project has no working key" in as_vic.get(CONNECT).text


def test_a_key_with_another_projects_number_is_told(as_vic, sent, globex):
    assert sent(envelope(("event", error())), project_id=globex.id) == 403
    _assert_told(as_vic, auth.OTHER_PROJECT)


def test_an_exceeded_quota_is_told(as_vic, sent, acme, inside):
    _change_key(inside, acme, quota_per_minute=1)
    assert sent(envelope(("event", error()))) == 200
    assert sent(envelope(("event", error()))) == 429
    _assert_told(as_vic, judging.OVER_QUOTA)


def test_an_unreadable_body_is_told(as_vic, sent):
    assert sent(b"\x1f\x8b no gzip", **{"Content-Encoding": "gzip"}) == 400
    _assert_told(as_vic, judging.UNDECODABLE)


def test_a_foreign_origin_is_told(as_vic, sent, acme, inside):
    with inside(acme):
        config = db.session.scalars(select(MonitoringConfig)).one()
        config.allowed_origins = ["https://shop.test"]
        db.session.commit()
    assert sent(envelope(("event", error())), Origin="https://evil.test") == 403
    _assert_told(as_vic, auth.ORIGIN)


def test_what_was_refused_long_ago_is_not_told(as_vic, sent, clock):
    sent(envelope(("event", error())), key="f" * 32)
    clock.move(hours=2)
    assert auth.UNKNOWN_KEY not in as_vic.get(ARRIVAL, headers=HTMX).text


def test_a_stranger_finds_no_connect_page(as_eve, acme):
    assert as_eve.get(CONNECT).status_code == 404
    assert as_eve.get(ARRIVAL, headers=HTMX).status_code == 404


def test_without_htmx_the_arrival_leads_to_the_page(as_vic):
    assert as_vic.get(ARRIVAL).headers["Location"] == CONNECT


def _assert_told(browser, reason: str) -> None:
    part = browser.get(ARRIVAL, headers=HTMX).text
    assert re.search(rf"1 refused \(\w+\): {re.escape(reason)}", unescape(part))
    assert "sender was told" not in part, "what a stranger was answered is not kept"
    assert ADVICE[reason].replace("'", "&#39;") in part


def _change_key(inside, project, **fields) -> None:
    with inside(project):
        key = db.session.scalars(select(Key)).one()
        for name, value in fields.items():
            setattr(key, name, value)
        db.session.commit()


def test_the_latest_issue_is_found_whatever_its_status(as_vic, acme, make_issue):
    now = clock.now()
    make_issue(acme, title="Older", last_seen=now - timedelta(minutes=5))
    make_issue(acme, title="Latest", last_seen=now, status=Status.RESOLVED)
    make_issue(acme, title="Uncounted", last_seen=now + timedelta(minutes=1), events=0)
    part = as_vic.get(ARRIVAL, headers=HTMX).text
    assert "Latest" in part
    assert "Older" not in part
    assert "Uncounted" not in part
