"""Who is on call in the demonstration: their policy, their past, and a person who answers now."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting.delivery.models import Channel, MessageState, OutboxMessage
from console.alerting.escalation.models import Policy, PolicyUse
from console.alerting.models import Incident, IncidentState
from console.core.db import db
from console.metrics import incidents as metrics
from console.metrics.response_times import ACKNOWLEDGE, seconds
from console.telemetry.scope import Scope
from demo import on_call, person
from tests.support.live import Server

ALICE = "alice@acme.test"


@pytest.mark.usefixtures("both_databases")
def test_the_past_has_answers_in_time_late_ones_and_recoveries(acme, inside, clock):
    now = clock.now()
    with inside(acme):
        for port in (9, 19):  # each run of the demonstration says where its chat is
            on_call.set_up(acme.organization_id, ALICE, f"http://127.0.0.1:{port}/chat")
        assert len(db.session.scalars(select(PolicyUse)).all()) == 1
        assert len(db.session.scalars(select(Channel)).all()) == 1
        on_call.live_through(acme.organization_id, ALICE, timedelta(days=14))
    assert abs(clock.now() - now) < timedelta(minutes=5), "the clock is that of the machine again"
    with inside(acme):
        incidents = db.session.scalars(select(Incident)).all()
        assert len(incidents) >= 15
        assert {incident.state for incident in incidents} == {IncidentState.RESOLVED}
        assert all(incident.notified_at for incident in incidents)
        states = set(db.session.scalars(select(OutboxMessage.state)))
        assert MessageState.WAITING not in states, "no mail of the past is sent now"
        scope = Scope(
            organization_id=acme.organization_id, project_id=acme.id,
            since=now - timedelta(days=15), until=now,
        )  # fmt: skip
        responses = metrics.responses(scope)
        lengths = seconds(responses, ACKNOWLEDGE)
        assert min(lengths) < on_call.NEXT.total_seconds() < max(lengths)
        assert any(response.is_self_healed for response in responses)
        assert {response.policy for response in responses} == {on_call.POLICY}
        assert db.session.scalar(select(Policy.id).where(Policy.is_default)) is not None


@pytest.fixture
def server(instance, database):
    server = Server(instance, database).start()
    yield server
    server.stop()


class Closed(Exception):
    """The demonstration ends."""


def test_a_person_answers_by_the_console_s_own_pages(server):
    project = server.project()
    home = ("--organization", project.organization)
    server.run(
        "user", "create", "alice@shop.example", *home, "--role", "member", "--password-stdin",
        stdin="a long word that nobody has",
    )  # fmt: skip
    alice = person.Person(server.url, "alice@shop.example", "a long word that nobody has")
    alice.sign_in()
    waited: list[float] = []

    def wait(length: float) -> None:
        waited.append(length)
        if len(waited) == 2:
            raise Closed

    token = server.run(
        "token", "create", *home, "--project", project.slug, "--permission", "incidents:read"
    ).strip()
    pages = f"/{project.organization}/{project.slug}"
    with pytest.raises(Closed):
        person.answer(alice, project.api, token, pages, wait)
    assert waited == [person.LOOK, person.LOOK], "nothing is open, so there is nothing to answer"
