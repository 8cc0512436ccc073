"""What is open, who was notified and what happens next: on its page, and on an incident's."""

from datetime import timedelta
from html import unescape

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select, update

from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.decide import State
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.escalation import policies
from console.alerting.escalation.advance import advance
from console.alerting.escalation.models import Policy, PolicyUse
from console.alerting.models import Incident, IncidentState
from console.core.db import db
from console.web.forms import plain
from tests.alerting.escalations import OWNERS, acknowledge, channel, opened, person, policy, step
from tests.support import factories
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

HERE = "/acme/shop/alerts/unresolved/"
ALICE = "alice@acme.test"


@pytest.fixture
def incident_id(acme, inside, clock) -> int:
    """An incident of which Alice was notified; the owners are next, five minutes after noon."""
    clock.set(NOON)
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5)
        return opened(acme, policy(*steps, stale_minutes=60))


def rows(page: str) -> list[list[str]]:
    table = HTMLParser(page).css("#unresolved tbody tr")
    return [[plain(unescape(cell.text(separator=" "))) for cell in row.css("td")] for row in table]


def test_it_says_who_was_notified_and_what_is_next(
    as_vic, as_alice, acme, inside, clock, incident_id
):
    clock.move(minutes=2)
    (row,) = rows(as_vic.get(HERE).text)
    assert row == [
        "Rule 1 Warning Shop", "2 min ago", "Alice by e-mail on its way , 2 min ago",
        "Step 2: the owners Fri 12:05 UTC, in 3 min",
    ]  # fmt: skip
    with inside(acme):
        db.session.execute(update(OutboxMessage).values(state=MessageState.SENT, sent_at=NOON))
        db.session.commit()
        acknowledge(incident_id)
    (row,) = rows(as_vic.get(HERE).text)
    assert row[2].startswith("Acknowledged Alice by e-mail delivered")
    assert row[3].startswith("The acknowledgement goes stale Fri 13:02")
    part = as_alice.post(f"{HERE}{incident_id}/resolution", headers=HTMX)
    assert part.text.startswith('<div id="unresolved"')
    assert "Nothing is open" in part.text


def test_it_lists_the_worst_first_and_groups_for_their_members(
    app, as_vic, acme, inside, clock, incident_id
):
    other = factories.make_project(app, acme.organization, "blog")
    with inside(acme):
        worst = opened(other, policy(step(OWNERS)), level=State.CRITICAL)
        group, member = opened(acme, policy(step(OWNERS))), opened(acme, policy(step(OWNERS)))
        own = db.session.get_one(Incident, group)
        own.is_group, own.title = True, "Rule 3: 40 by endpoint"
        db.session.get_one(Incident, member).parent_id = group
        quiet = opened(acme, policy(step(OWNERS)))
        later = NOON + timedelta(minutes=30)
        incidents.snooze(db.session.get_one(Incident, quiet), later, by=Actor(name="ci"))
        db.session.commit()
    titles = [row[0].partition(" Warning")[0] for row in rows(as_vic.get(HERE).text)]
    assert titles == ["Rule 2 Critical Blog", "Rule 1", "Rule 3: 40 by endpoint", "Rule 5"]
    assert rows(as_vic.get(HERE).text)[3][3] == "The snooze ends Fri 12:30 UTC, in 30 min"
    shop = rows(as_vic.get(f"{HERE}?of=project").text)
    assert shop[0][0].startswith("Rule 1 Warning")
    assert f"/acme/blog/alerts/incidents/{worst}" in as_vic.get(HERE).text
    with inside(acme):
        incidents.resolve(db.session.get_one(Incident, group), by=Actor(name="ci"))
        db.session.get_one(Incident, member).state = IncidentState.OPEN  # it fires by itself
        db.session.commit()
    assert "Rule 4" in as_vic.get(HERE).text


def test_people_answer_in_the_row(as_alice, app, acme, inside, incident_id):
    there = factories.make_project(app, acme.organization, "blog")
    with inside(acme):
        elsewhere = opened(there, policy(step(OWNERS)))
    for path in (f"{HERE}{incident_id}", f"/acme/blog/alerts/unresolved/{elsewhere}"):
        part = as_alice.post(f"{path}/acknowledgement", headers=HTMX)
        assert part.text.count("is on it</span>") == (1 if path.startswith(HERE) else 2)
    assert as_alice.post(f"{HERE}{incident_id}/resolution").status_code == 303
    with inside(acme):
        assert db.session.get_one(Incident, incident_id).state is IncidentState.RESOLVED


def test_who_may_not(as_vic, as_eve, acme, inside, incident_id):
    rule = f"/acme/shop/alerts/rules/{1}/policy"
    moved = f"/acme/shop/alerts/incidents/{incident_id}/policy-version"
    for path in (
        f"{HERE}{incident_id}/acknowledgement", f"{HERE}{incident_id}/resolution", rule, moved,
    ):  # fmt: skip
        assert as_vic.post(path).status_code == 403
        assert as_eve.post(path).status_code == 404
    for path in (HERE, rule):
        assert as_vic.get(path).status_code == 200
        assert as_eve.get(path).status_code == 404
    assert "Acknowledge" not in as_vic.get(HERE).text


def test_a_page_of_many_asks_no_more(as_vic, acme, inside, clock, statements):
    clock.set(NOON)
    asked = []
    for count in (1, 19):
        with inside(acme):
            for _ in range(count):
                opened(acme, policy(step(person(ALICE), OWNERS)))
        with statements() as seen:
            assert as_vic.get(HERE).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


@pytest.mark.usefixtures("both_databases")
def test_an_incident_says_who_was_notified_and_moves_to_a_new_version(
    as_alice, acme, inside, clock, incident_id
):
    with inside(acme):
        db.session.execute(
            update(OutboxMessage).values(state=MessageState.FAILED, error="The mailbox is full.")
        )
        own = db.session.scalars(select(Policy)).one()
        steps = step(person(ALICE)), step(channel("ops"), after=8)
        policies.save(own, own.name, policy(*steps))
        db.session.commit()
    page = unescape(as_alice.get(f"/acme/shop/alerts/incidents/{incident_id}").text)
    card = HTMLParser(page).css_first(f"#notified-{incident_id}")
    assert card is not None
    text = " ".join(card.text(separator=" ", strip=True).split())
    assert "Alice by e-mail Not delivered The mailbox is full." in text
    assert "Next: Step 2: the owners, Fri 12:05 UTC ( in 5 min )." in text
    assert "version 1 , now 2" in text.replace("1, now", "1 , now")
    assert "Step 1</strong> of Policy 1: Alice by e-mail was notified." in " ".join(page.split())
    part = as_alice.post(f"/acme/shop/alerts/incidents/{incident_id}/policy-version", headers=HTMX)
    assert "Move this incident" not in part.text
    assert "Step 2: ops" in part.text
    assert "version 2 of the policy Policy 1 holds for it" in part.text
    clock.move(minutes=6)
    with inside(acme):
        advance(acme.organization_id)
        page = as_alice.get(f"/acme/shop/alerts/incidents/{incident_id}").text
    assert "Step 2</strong> of Policy 1: ops was notified" in " ".join(page.split())


def test_a_rule_chooses_its_policy(as_alice, acme, inside, incident_id):
    with inside(acme):
        rule_id = db.session.scalars(select(Incident.rule_id)).one()
        other = policies.create("Pager", policy(step(OWNERS))).id
        db.session.commit()
    here = f"/acme/shop/alerts/rules/{rule_id}/policy"
    assert "Policy 1</a>" in as_alice.get(here).text
    part = as_alice.post(here, data={"policy": other}, headers=HTMX)
    assert "Pager</a>" in part.text
    assert as_alice.post(here, data={"policy": "99999"}).status_code == 422
    assert as_alice.post(here, data={"policy": ""}).status_code == 303
    with inside(acme):
        assert not db.session.scalars(select(PolicyUse)).all()


def test_a_project_chooses_its_policy_in_its_settings(as_ada, as_alice, as_eve, acme, inside):
    with inside(acme):
        policies.default()
        other = policies.create("Pager", policy(step(OWNERS))).id
        db.session.commit()
    here = "/acme/shop/alerts/policy"
    assert "project-policy" in as_alice.get("/acme/shop/settings/monitoring").text
    assert "Mail the owners</a>" in as_alice.get(here).text
    assert "Choose this policy" not in as_alice.get(here).text
    assert as_alice.post(here, data={"policy": other}).status_code == 403
    assert as_eve.get(here).status_code == 404
    part = as_ada.post(here, data={"policy": other}, headers=HTMX)
    assert "Pager</a>, unless" in part.text
    with inside(acme):
        assert policies.chosen_for(project_id=acme.id) == other
