"""Policies among an organization's settings: made, changed step by step, chosen and deleted."""

from html import unescape

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from console.alerting.delivery import preferences
from console.alerting.escalation import policies
from console.alerting.escalation.hours import WorkingHours
from console.alerting.escalation.models import Policy, PolicyUse
from console.alerting.models import Severity
from console.core.db import db
from console.web.forms import plain
from tests.alerting.escalations import OWNERS, channel, opened, person, policy, step
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

HERE = "/acme/settings/policies/"
ALICE = "alice@acme.test"


@pytest.fixture
def saved(acme, inside, clock):
    """`saved(document, name)`: the id of a policy that stands."""
    clock.set(NOON)

    def saved(document=None, name="Shop", *, is_default=False) -> int:
        with inside(acme):
            made = policies.create(name, document or policy(step(OWNERS)), is_default=is_default)
            db.session.commit()
            return made.id

    return saved


def fields(page: str) -> MultiDict[str, str]:
    """What the form of a page would send, as a browser that presses no button."""
    form = HTMLParser(page).css_first("#policy-form")
    assert form is not None
    sent: MultiDict[str, str] = MultiDict()
    for field in form.css("input, select"):
        name, kind = field.attributes.get("name"), field.attributes.get("type")
        if not name or (kind == "checkbox" and "checked" not in field.attributes):
            continue
        if field.tag == "select":
            chosen = field.css_first("option[selected]")
            sent.add(name, (chosen.attributes.get("value") or "") if chosen else "")
        else:
            sent.add(name, field.attributes.get("value") or "")
    return sent


def filled(page: str, **changes: str) -> MultiDict[str, str]:
    """The same with other values in some fields."""
    sent = fields(page)
    for name, value in changes.items():
        sent.setlist(name, [value])
    return sent


def pressed(client, page: str, url: str, act: str, **changes: str):
    """Press a button of the form, without scripts; answers the page that comes."""
    answer = client.post(url, data=filled(page, act=act, **changes))
    assert answer.status_code == 200, answer.text
    return answer.text


def steps(page: str) -> list[str]:
    """The targets of each step of a form, in its order."""
    return [
        " ".join(tag.text(strip=True).rstrip("×") for tag in row.css(".policy-target"))
        for row in HTMLParser(page).css(".policy-step")
    ]


def test_a_policy_is_written_without_scripts(as_ada, acme, inside):
    with inside(acme):
        channel("ops")
        db.session.commit()
        alice = f"user-{person(ALICE)['user']}"
        ops = f"channel-{channel('pager')['channel']}"
        db.session.commit()
    page = as_ada.get(f"{HERE}new").text
    assert steps(page) == ["the owners"]
    page = pressed(as_ada, page, HERE, "add")
    assert "Step 2: Say who is notified." in page
    page = pressed(as_ada, page, HERE, "look", **{"1-new": alice})
    page = pressed(as_ada, page, HERE, "add")
    page = pressed(as_ada, page, HERE, "look", **{"2-new": ops, "2-delay_minutes": "3"})
    assert steps(page) == ["the owners", "Alice", "pager"]
    page = pressed(as_ada, page, HERE, "up.2")
    assert steps(page) == ["the owners", "pager", "Alice"]
    page = pressed(as_ada, page, HERE, "down.0")
    page = pressed(as_ada, page, HERE, "down.1")  # it is the last
    assert steps(page) == ["pager", "the owners", "Alice"]
    page = pressed(as_ada, page, HERE, "look", **{"0-new": alice})
    page = pressed(as_ada, page, HERE, "drop.0.owners")
    page = pressed(as_ada, page, HERE, "remove.1")
    assert steps(page) == ["pager", "Alice"]
    assert "Alice by e-mail" in page, "it is tried out while it has no name"
    sent = fields(page)
    sent["name"] = "  On   call "
    answer = as_ada.post(HERE, data=sent)
    assert answer.status_code == 303, answer.text
    with inside(acme):
        made = db.session.scalars(select(Policy)).one()
    assert made.name == "On call"
    assert made.document == {
        "steps": [
            {"delay_minutes": 3, "targets": [{"channel": int(ops.partition("-")[2])}]},
            {"delay_minutes": 0, "targets": [{"user": int(alice.partition("-")[2])}]},
        ],
        "repeats": 1, "repeat_minutes": 30, "stale_minutes": 240, "unresolved_minutes": 0,
    }  # fmt: skip


def test_a_version_says_what_it_changed(as_ada, acme, inside, saved):
    policy_id = saved()
    url = f"{HERE}{policy_id}"
    page = as_ada.get(f"{url}/edit").text
    sent = filled(page, **{"0-when": "wait", "0-zone": "Europe/Berlin", "repeats": "2"})
    sent.setlist("0-days", ["0", "1", "4"])
    part = as_ada.post(f"{url}/versions", data=sent, headers=HTMX)
    assert part.status_code == 204
    assert part.headers["HX-Redirect"] == url
    page = unescape(as_ada.get(url).text)
    new = "at once: the owners (Mon, Tue, Fri 09:00 to 17:00, Europe/Berlin; waits at other times)"
    assert f"Step 1 is new: {new}" in page
    assert "Step 1 is out: at once: the owners" in page
    assert "Rounds after the first: 2, before 0" in page
    again = fields(as_ada.get(f"{url}/edit").text)
    assert again["0-since"] == "09:00"
    as_ada.post(f"{url}/versions", data=again)
    with inside(acme):
        assert db.session.get_one(Policy, policy_id).version == 2, "nothing was changed"


def test_a_version_that_was_saved_meanwhile_is_not_replaced_unseen(as_ada, acme, inside, saved):
    policy_id = saved()
    url = f"{HERE}{policy_id}"
    page = as_ada.get(f"{url}/edit").text
    first, second = filled(page, repeats="2"), filled(page, repeats="3")
    assert as_ada.post(f"{url}/versions", data=first).status_code == 303
    refused = as_ada.post(f"{url}/versions", data=second)
    assert refused.status_code == 422
    assert "Someone has saved version 2 meanwhile." in refused.text
    assert as_ada.post(f"{url}/versions", data=fields(refused.text)).status_code == 303
    with inside(acme):
        own = db.session.get_one(Policy, policy_id)
        assert (own.version, own.document["repeats"]) == (3, 3)


BAD = [
    ({"name": " "}, "Give it a name."),
    ({"name": "Standing"}, "Another policy has this name."),
    ({"name": "x" * 101}, "At most 100 characters."),
    ({"steps": ""}, "Add a step."),
    ({"0-targets": ""}, "Say who is notified."),
    ({"0-targets": "user-999"}, "A former member left the organization. Take it out."),
    ({"0-targets": "channel-999"}, "A channel that was deleted was deleted. Take it out."),
    ({"0-delay_minutes": ""}, "Say when."),
    ({"0-delay_minutes": "-1"}, "Between 0 and 7 days, in minutes."),
    ({"0-delay_minutes": "1e9"}, "Not a whole number."),
    ({"0-delay_minutes": "99999999999999999999"}, "Between 0 and 7 days, in minutes."),
    ({"repeats": "21"}, "Between 0 and 20 times."),
    ({"repeat_minutes": "0"}, "Between a minute and 7 days."),
    ({"stale_minutes": "many"}, "Not a whole number."),
    ({"unresolved_minutes": "99999"}, "At most 30 days, in minutes; 0 for never."),
    ({"0-when": "skip", "0-zone": "Mars"}, "Unknown time zone"),
    ({"0-when": "skip", "0-since": "9 am"}, "A time of day such as 09:00."),
    ({"0-when": "sometimes"}, "Not a valid choice."),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_is_wrong_stands_beside_its_field(as_ada, saved, changes, message):
    saved(name="Standing")
    sent = filled(as_ada.get(f"{HERE}new").text, **{"name": "New", **changes})
    answer = as_ada.post(HERE, data=sent, headers=HTMX)
    assert answer.status_code == 422
    wrong = [error.text(strip=True) for error in HTMLParser(answer.text).css(".field-error")]
    assert any(error.startswith(message) for error in wrong), wrong


def test_no_day_is_refused(as_ada, saved):
    saved()
    sent = filled(as_ada.get(f"{HERE}new").text, **{"name": "New", "0-when": "skip"})
    sent.poplist("0-days")
    answer = as_ada.post(HERE, data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert "Choose a day." in answer.text


def test_two_hundred_steps_are_too_many(as_ada, acme):
    sent: MultiDict[str, str] = MultiDict({"name": "Hostile", "act": "add"})
    for key in range(200):
        sent.add("steps", str(key))
        sent.add(f"{key}-targets", "owners")
        sent.add(f"{key}-delay_minutes", "1")
    answer = as_ada.post(HERE, data=sent, headers=HTMX)
    assert answer.status_code == 200
    sent.poplist("act")
    answer = as_ada.post(HERE, data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert "At most 20 steps." in answer.text
    assert len(steps(answer.text)) == 21


def test_a_policy_that_reaches_nobody_is_marked(as_vic, acme, inside, saved):
    with inside(acme):
        gone, off = channel("gone", deleted_at=NOON), channel("off", enabled=False)
        db.session.commit()
    policy_id = saved(policy(step(gone), step(off)))
    page = as_vic.get(HERE).text
    assert "Reaches nobody" in page
    assert "Off is switched off." in page
    page = as_vic.get(f"{HERE}{policy_id}").text
    assert "No one in this policy can be notified." in page
    assert "The policy reached no one: the owners are notified." in page


def test_the_trial_says_who_gets_what_when(as_vic, acme, inside, saved):
    with inside(acme):
        hours = {"zone": "UTC", "days": [4], "since": "09:00", "until": "12:07"}
        rows = step(person(ALICE), hours=hours), step(OWNERS, after=10)
        document = policy(*rows, repeats=1, repeat_minutes=30, unresolved_minutes=60)
    url = f"{HERE}{saved(document)}?at=2026-11-20T12:05&severity=high"
    part = as_vic.get(url, headers=HTMX)
    assert part.text.startswith('<div id="policy-')
    table = HTMLParser(part.text).css(".card-table tbody tr")
    assert [[cell.text(strip=True) for cell in row.css("td")] for row in table] == [
        ["At once", "Fri 12:05 UTC", "1", "Alice by e-mail", "–"],
        ["10 min", "Fri 12:15 UTC", "2", "Ada by e-mail", "–"],
        ["40 min", "Fri 12:45 UTC", "1round 2", "Nobody",
         "Alice by e-mail is notified in other hours"],
        ["40 min", "Fri 12:45 UTC", "2round 2", "Ada by e-mail", "–"],
    ]  # fmt: skip
    assert "On Friday 20 November 13:45 UTC the policy starts over." in part.text


def test_the_trial_knows_channels_that_fail_and_people_who_are_quiet(as_vic, acme, inside, saved):
    with inside(acme):
        pager, alice = channel("pager", failing_since=NOON), person(ALICE)
        quiet = WorkingHours.of({"zone": "UTC", "days": [4], "since": "12:00", "until": "14:00"})
        preferences.save(alice["user"], preferences.Preferences(quiet=quiet))
        preferences.unsubscribe(person("ada@acme.test")["user"])
        document = policy(step(pager, alice, OWNERS))
        db.session.commit()
    part = as_vic.get(f"{HERE}{saved(document)}?at=2026-11-20T12:05", headers=HTMX).text
    (row,) = HTMLParser(part).css(".card-table tbody tr")
    cells = [plain(cell.text(separator=" ")) for cell in row.css("td")]
    assert cells[3] == (
        "pager does not deliver, since Fri 12:00 UTC Alice by e-mail from Fri 14:00 UTC on"
    )
    assert cells[4] == "Ada by e-mail has unsubscribed from this organization's mails"
    part = as_vic.get(f"{HERE}{saved(document, 'Night')}?at=2026-11-20T12:05&severity=high").text
    assert "from Fri 14:00" not in part, "quiet hours hold nothing of high severity back"


def test_a_policy_holds_where_it_is_chosen(as_ada, acme, inside, saved):
    default, shop, pager = saved(is_default=True, name="All"), saved(), saved(name="Pager")
    chosen = {"project": acme.id, "severity": "", "policy": shop}
    part = as_ada.post(f"{HERE}uses/", data=chosen, headers=HTMX)
    assert part.text.startswith('<div id="policies"')
    as_ada.post(f"{HERE}uses/", data={"severity": "high", "policy": pager})
    both = {"project": acme.id, "severity": "low", "policy": pager}
    as_ada.post(f"{HERE}uses/", data=both)
    as_ada.post(f"{HERE}uses/", data={**both, "policy": default})  # in its place
    with inside(acme):
        held = [policies.holding(acme.id, None, severity) for severity in Severity]
        elsewhere = policies.holding(acme.id + 1, None, Severity.HIGH)
        uses = db.session.scalars(select(PolicyUse.id).order_by(PolicyUse.id)).all()
    assert [own and own.id for own in held] == [default, shop, shop]
    assert elsewhere is not None
    assert elsewhere.id == pager
    assert len(uses) == 3
    assert "Incidents of high severity" in as_ada.get(HERE).text
    as_ada.post(f"{HERE}uses/{uses[0]}/removal")
    with inside(acme):
        held = [policies.holding(acme.id, None, severity) for severity in Severity]
    assert [own and own.id for own in held] == [default, None, pager]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": ""}, "Choose a policy."),
        ({"policy": "99999"}, "Not a valid choice"),
        ({"project": "99999"}, "Not a valid choice"),
        ({}, "Choose a project or a severity"),
    ],
)
def test_a_choice_says_what_is_wrong_with_it(as_ada, saved, changes, message):
    chosen = {"project": "", "severity": "", "policy": saved(), **changes}
    answer = as_ada.post(f"{HERE}uses/", data=chosen, headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.text


def test_the_default_policy_stays_until_another_is_it(as_ada, acme, inside, saved):
    default, other = saved(is_default=True, name="All"), saved()
    page = as_ada.post(f"{HERE}{default}/deletion", follow_redirects=True).text
    assert "The default policy stays" in page
    as_ada.post(f"{HERE}{other}/default")
    assert as_ada.post(f"{HERE}{default}/deletion").status_code == 303
    with inside(acme):
        assert [own.id for own in policies.all_policies()] == [other]


def test_a_deleted_policy_leaves_its_incidents_what_they_have(as_ada, acme, inside, saved, clock):
    clock.set(NOON)
    with inside(acme):
        opened(acme, policy(step(OWNERS), step(person(ALICE), after=5)))
        own = db.session.scalars(select(Policy)).one()
    saved(is_default=True)
    assert as_ada.post(f"{HERE}{own.id}/deletion").status_code == 303
    with inside(acme):
        assert not db.session.scalars(select(PolicyUse)).all()
        assert len(policies.all_policies()) == 1


def test_who_may_not(as_vic, as_alice, as_eve, saved):
    here = f"{HERE}{saved()}"
    for client in (as_vic, as_alice):
        assert client.get(HERE).status_code == 200
        assert "New policy" not in client.get(HERE).text
        assert "Delete" not in client.get(here).text
        for path in (f"{HERE}new", f"{here}/edit"):
            assert client.get(path).status_code == 403
    changes = (HERE, f"{here}/versions", f"{here}/deletion", f"{here}/default", f"{HERE}uses/")
    for path in (*changes, f"{HERE}uses/1/removal"):
        assert as_alice.post(path).status_code == 403
        assert as_eve.post(path).status_code == 404
    for path in (HERE, here, f"{HERE}new", f"{here}/edit"):
        assert as_eve.get(path).status_code == 404


def test_a_list_of_many_asks_no_more(as_vic, saved, statements):
    saved()
    asked = []
    for count in (0, 19):
        for number in range(count):
            saved(name=f"Policy {number}")
        with statements() as seen:
            assert as_vic.get(HERE).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("day", ["9" * 5_000, "7", "²", "-1", "٣", ""])
def test_a_day_that_no_week_has_is_refused_beside_the_form(as_ada, day):
    sent = filled(as_ada.get(f"{HERE}new").text, name="Odd days")
    sent.setlist("0-when", ["skip"])
    sent.setlist("0-days", [day])
    answer = as_ada.post(HERE, data=sent)
    assert answer.status_code == 422
    assert "Odd days" in answer.text
