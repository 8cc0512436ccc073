"""Findings become issues, each once, whatever is late, repeated or killed."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from console.core.db import db
from console.detection import findings, fixes
from console.detection.findings import Detected
from console.detection.models import DetectionPosition, ExaminedRelease
from console.errors.models import Category, ChangeKind, Issue, IssueChange, Status
from console.telemetry import bodies, store
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event
from tests.ingest.conftest import error
from tests.ingest.requests_sent import LOOK_UP, STATIC, STREAM, late_look_ups, request
from tests.support.factories import detached
from tests.support.scheduled import perform

both_lifecycles = pytest.mark.parametrize("lifecycle", [STATIC, STREAM])


@pytest.fixture
def sent(acme, accepted, digest) -> Callable[..., None]:
    """`sent(request(), …)` gives envelopes to acme and digests them."""

    def send(*envelopes: bytes) -> None:
        for body in envelopes:
            accepted(acme, body=body)
        digest.drain()

    return send


@pytest.fixture
def detect(app, acme, inside, clock) -> Callable[..., Detected]:
    """One run of detection over acme, ten seconds later."""

    def run(seconds: float = 10) -> Detected:
        clock.move(seconds=seconds)
        with inside(acme):
            return findings.detect(store.current(), acme.organization_id)

    return run


@pytest.fixture
def issue(acme, inside) -> Callable[[], Issue]:
    """The one issue of acme as it is now."""

    def read() -> Issue:
        with inside(acme):
            return detached(db.session.scalars(select(Issue)).one())

    return read


@pytest.fixture
def changes(acme, inside) -> Callable[[], list[ChangeKind]]:
    """What has happened to issues of acme, in order."""

    def read() -> list[ChangeKind]:
        with inside(acme):
            query = select(IssueChange.kind).where(IssueChange.project_id == acme.id)
            return list(db.session.scalars(query.order_by(IssueChange.id)))

    return read


def events(stored, project) -> list[dict[str, object]]:
    """The body of each stored event."""
    return [bodies.unpack(row.body) for row in stored(project).rows(error_event)]


@both_lifecycles
def test_an_n_plus_one_of_two_milliseconds_is_an_issue(
    both_databases, lifecycle, acme, sent, detect, issue, stored, changes
):
    sent(request(lifecycle=lifecycle, user="u-1"))
    detected = detect()
    assert (detected.requests, detected.events) == (1, 1)
    assert changes() == [ChangeKind.NEW]
    found = issue()
    assert found.category is Category.PERFORMANCE
    assert (found.title, found.culprit) == (f"N+1 query: {LOOK_UP}", "GET /books")
    assert (found.events, found.users, found.last_release) == (1, 1, "shop@1")
    (body,) = events(stored, acme)
    finding = body["finding"]
    assert isinstance(finding, dict)
    assert (finding["count"], finding["total_us"], finding["saving_us"]) == (16, 2000, 1875)
    assert (finding["segment_us"], finding["endpoint"]) == (50_000, "GET /books")


def test_a_request_of_the_last_seconds_is_not_looked_at_yet(acme, sent, detect, stored):
    sent(request())
    assert detect(seconds=0).events == 0
    assert detect(seconds=8).events == 1
    assert len(stored(acme).events()) == 1


def test_late_spans_bring_their_request_again(acme, sent, detect, issue, stored, clock):
    trace_id = uuid4().hex
    sent(request(3, lifecycle=STREAM, trace_id=trace_id))
    assert detect().events == 0
    clock.move(seconds=300)
    sent(late_look_ups(range(4, 9), trace_id, seconds=310))
    assert detect().events == 1
    sent(late_look_ups(range(9, 17), trace_id, seconds=320))
    again = detect()
    assert (again.events, issue().events) == (0, 1)
    assert len(stored(acme).events()) == 1


def test_a_request_that_goes_on_is_waited_for(acme, sent, detect, stored, clock):
    trace_id = uuid4().hex
    sent(request(6, lifecycle=STREAM, trace_id=trace_id))
    clock.move(seconds=7)
    sent(late_look_ups(range(7, 17), trace_id, seconds=7))
    assert detect(seconds=0).events == 0
    assert detect().events == 1
    assert events(stored, acme)[0]["finding"]["count"] == 16  # type: ignore[index]


def test_a_run_without_news_changes_nothing(sent, detect, issue):
    sent(request(), request())
    assert detect().events == 2
    assert [detect().events for _ in range(3)] == [0, 0, 0]
    assert issue().events == 2


def test_errors_alone_are_passed_by(acme, accepted, digest, detect, inside):
    accepted(acme, error())
    position = digest.drain() or accepted(acme, error())
    digest.drain()
    assert (detect().requests, detect().events) == (0, 0)
    with inside(acme):
        assert db.session.scalars(select(DetectionPosition.position)).one() == position


def test_three_requests_of_an_endpoint_and_run_are_read_and_the_rest_is_told(sent, detect, issue):
    sent(
        *[request(5 + number) for number in range(10)],
        request(7, route="/shelves/{id}"),
        request(2),
    )
    found = detect()
    assert (found.events, found.left_out, found.requests) == (4, 7, 5)


class Killed(BaseException):
    """What no handler of ours catches."""


def killed(*_: object) -> None:
    raise Killed


def before_telemetry(monkeypatch) -> None:
    monkeypatch.setattr(TelemetryStore, "write_own", killed)


def after_telemetry(monkeypatch) -> None:
    write = TelemetryStore.write_own

    def write_and_die(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(TelemetryStore, "write_own", write_and_die)


def before_the_counters_are_committed(monkeypatch) -> None:
    monkeypatch.setattr(fixes, "mark", killed)


@pytest.mark.parametrize(
    "die", [before_telemetry, after_telemetry, before_the_counters_are_committed]
)
def test_a_run_that_was_killed_is_repeated_and_counts_once(
    both_databases, die, acme, sent, detect, issue, stored, changes, monkeypatch
):
    sent(*[request(5 + number) for number in range(6)])
    with monkeypatch.context() as dying:
        die(dying)
        with pytest.raises(Killed):
            detect()
    sent(*[request(20 + number) for number in range(6)])  # worse ones, which a new run would read
    assert detect().events == 3
    assert detect().events == 3
    assert issue().events == len(stored(acme).events()) == 6
    assert changes() == [ChangeKind.NEW]
    assert stored(acme).ledger()["span", "stored", ""] == sum(range(7, 13)) + sum(range(22, 28))


def test_two_processes_that_make_the_same_run_count_once(
    both_databases, acme, sent, detect, issue, inside, monkeypatch
):
    sent(request())
    write = TelemetryStore.write_own

    def overtaken(self, *args):
        monkeypatch.setattr(TelemetryStore, "write_own", write)
        with inside(acme):
            assert findings.detect(self, acme.organization_id).events == 1
        return write(self, *args)

    monkeypatch.setattr(TelemetryStore, "write_own", overtaken)
    assert detect().events == 0
    assert issue().events == 1


def test_findings_are_no_errors_that_anybody_sent(acme, sent, detect, stored):
    sent(request())
    detect()
    assert ("event", "stored", "") not in stored(acme).ledger()


def test_another_organization_sees_nothing_of_it(acme, globex, sent, detect, inside):
    sent(request())
    detect()
    with inside(globex):
        assert db.session.scalars(select(Issue)).all() == []
        assert db.session.scalars(select(IssueChange)).all() == []


def test_the_job_goes_through_all_organizations(app, acme, globex, accepted, digest, clock):
    for project in (acme, globex):
        accepted(project, body=request())
    digest.drain()
    clock.move(seconds=10)
    with app.app_context():
        assert perform("detect") == "2 requests, 2 findings, 0 fixed, 0 suspicious left out"


@pytest.mark.parametrize("failure", [TelemetryUnavailable("disk full"), ZeroDivisionError("0")])
def test_an_organization_whose_findings_cannot_be_written_stops_nobody_and_is_tried_again(
    failure, app, acme, globex, accepted, digest, clock, monkeypatch, caplog
):
    for project in (acme, globex):
        accepted(project, body=request())
    digest.drain()
    clock.move(seconds=10)
    write = TelemetryStore.write_own

    def full(self, organization_id, *args):
        if organization_id == acme.organization_id:
            raise failure
        return write(self, organization_id, *args)

    with app.app_context():
        with monkeypatch.context() as failing:
            failing.setattr(TelemetryStore, "write_own", full)
            came_to = perform("detect")
        assert came_to.startswith("1 requests, 1 findings")
        assert came_to.endswith("failed for 1 of 2 organizations")
        assert str(failure) in caplog.text
        assert perform("detect") == "1 requests, 1 findings, 0 fixed, 0 suspicious left out"


@both_lifecycles
def test_a_release_that_no_longer_shows_it_has_fixed_it(
    both_databases, lifecycle, acme, sent, detect, issue, inside
):
    sent(*[request(lifecycle=lifecycle) for _ in range(3)])
    detect()
    sent(*[request(2, lifecycle=lifecycle, release="shop@2") for _ in range(4)])
    assert detect().fixed == 0  # too few to tell
    sent(request(2, lifecycle=lifecycle, release="shop@2"))
    assert detect().fixed == 1
    found = issue()
    assert (found.status, found.fixed_in_release) == (Status.RESOLVED, "shop@2")
    with inside(acme):
        fixed = db.session.scalars(select(IssueChange).filter_by(kind=ChangeKind.FIXED)).one()
        assert fixed.details == {"release": "shop@2", "requests": 5}


@pytest.fixture
def fixed(sent, detect, issue) -> None:
    """An N+1 of releases 1 and 1.1 that release 2 has fixed."""
    sent(request(), request(release="shop@1.1"))
    detect()
    sent(*[request(0, release="shop@2") for _ in range(5)])
    detect()
    assert issue().status is Status.RESOLVED


def test_older_releases_that_still_run_do_not_reopen_it(fixed, sent, detect, issue):
    sent(request(), request(release="shop@1.1"))
    assert detect().events == 2
    assert (issue().status, issue().events) == (Status.RESOLVED, 4)


def test_a_later_release_that_shows_it_again_is_a_regression(fixed, sent, detect, issue, changes):
    sent(request(release="shop@3"))
    detect()
    assert changes() == [ChangeKind.NEW, ChangeKind.FIXED, ChangeKind.REGRESSED]
    assert (issue().status, issue().fixed_in_release) == (Status.OPEN, "")
    sent(*[request(0, release="shop@4") for _ in range(5)])
    assert detect().fixed == 1
    assert issue().fixed_in_release == "shop@4"


def test_the_very_release_reopens_it_too(fixed, sent, detect, issue):
    sent(request(release="shop@2"))
    detect()
    assert issue().status is Status.OPEN


def test_what_somebody_reopened_is_not_resolved_for_the_same_release_again(
    fixed, acme, sent, detect, issue, inside
):
    with inside(acme):
        db.session.scalars(select(Issue)).one().reopen()
        db.session.commit()
    sent(request(0, release="shop@2"))
    assert detect().fixed == 0
    assert issue().status is Status.OPEN


def test_other_endpoints_environments_and_older_releases_prove_no_fix(sent, detect, issue):
    sent(*[request(0, release="shop@0") for _ in range(9)])
    detect()
    sent(*[request() for _ in range(3)])
    detect()
    sent(*[request(0, release="shop@2", route="/shelves") for _ in range(9)])
    sent(*[request(0, release="shop@2", environment="staging") for _ in range(9)])
    sent(*[request(0, release="shop@0") for _ in range(9)])
    sent(*[request(0, release="") for _ in range(9)])
    assert detect().fixed == 0
    assert issue().status is Status.OPEN


def test_a_late_build_of_an_older_line_proves_no_fix(sent, detect, issue):
    sent(request(release="shop@2"))
    detect()
    sent(*[request(0, release="shop@1.9.1") for _ in range(9)])
    assert detect().fixed == 0
    sent(*[request(0, release="shop@2.0.1") for _ in range(9)])
    assert detect().fixed == 1
    assert issue().fixed_in_release == "shop@2.0.1"


def test_a_late_build_of_an_older_line_does_not_reopen_it(fixed, sent, detect, issue):
    sent(request(release="shop@1.2"))
    detect()
    assert issue().status is Status.RESOLVED


def test_a_finding_that_few_requests_show_needs_more_requests_to_be_fixed(sent, detect, issue):
    sent(*[request(0) for _ in range(9)], request())
    detect()
    sent(*[request(0, release="shop@2") for _ in range(25)])
    assert detect().fixed == 0  # ln 0.01 / ln (1 - 2/12) is 25.3
    sent(request(0, release="shop@2"))
    assert detect().fixed == 1


def test_positions_older_than_a_week_are_passed_by(sent, detect, clock, issue, stored, acme):
    sent(request())
    clock.move(seconds=timedelta(days=8).total_seconds())
    assert detect().events == 0
    assert stored(acme).events() == []


def test_releases_that_nobody_uses_any_more_are_forgotten(
    both_databases, app, acme, globex, sent, accepted, digest, detect, inside, clock
):
    sent(request(), request(release="shop@2"))
    accepted(globex, body=request())
    digest.drain()
    detect()
    with app.app_context():
        perform("detect")
    clock.move(days=60)
    sent(request(release="shop@2"))
    detect()
    clock.move(days=31)
    with app.app_context():
        assert perform("forget-examined-releases") == "2 releases forgotten"
    with inside(acme):
        assert db.session.scalars(select(ExaminedRelease.release)).all() == ["shop@2"]
