"""Web vitals in the store: pieces of page loads become one row, and rollups change no answer."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from math import inf, nan
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from console.core import clock
from console.telemetry import vital_causes, vital_rollups, vitals
from console.telemetry.page_loads import merge
from console.telemetry.question import within
from console.telemetry.records import PIECE, Batch, PageLoad
from console.telemetry.scope import Scope
from console.telemetry.store import EXTENSION, TelemetryStore
from console.telemetry.tables import page_load
from console.telemetry.vital_splits import Steps, VitalsWanted
from console.telemetry.web_vitals import BY_NAME, CLS, LCP, METRICS
from tests.telemetry.samples import NOON, hour, scope

ALL = VitalsWanted()
PAGE_ID = "a" * 16


def load(position=1, **fields):
    at = fields.pop("at", NOON)
    plain = {
        "organization_id": 1,
        "project_id": 1,
        "page_id": uuid4().hex[:16],
        "timestamp": at,
        "received_at": at,
        "page": "/a",
        "device": "desktop",
        "source": "beacon",
    }
    return PageLoad(position=position, **(plain | fields))


def piece(position=1, **fields):
    """A vital that does not know its page."""
    return load(position, **({"page_id": PAGE_ID, "page": "", "device": ""} | fields))


@pytest.fixture
def write(asking):
    return lambda *loads, position=1: asking.write(1, Batch(page_loads=loads), position)


@pytest.mark.parametrize(
    ("metric", "value", "rating"),
    [
        ("LCP", 2500, "good"),
        ("LCP", 2500.1, "needs improvement"),
        ("LCP", 4000, "needs improvement"),
        ("LCP", 4000.1, "poor"),
        ("INP", 200, "good"),
        ("INP", 500.1, "poor"),
        ("CLS", 0.1, "good"),
        ("CLS", 0.1001, "needs improvement"),
        ("CLS", 0.25, "needs improvement"),
        ("FCP", 1800, "good"),
        ("TTFB", 1800.1, "poor"),
        ("FID", 0, "good"),
    ],
)
def test_a_value_up_to_its_threshold_has_the_better_rating(write, metric, value, rating):
    assert BY_NAME[metric].rating(value) == rating
    write(load(**{metric.lower(): value}))
    found = vitals.overview(scope(), ALL).metrics[metric]
    assert found.loads == 1
    counts = {"good": found.good, "needs improvement": found.needs_improvement, "poor": found.poor}
    assert counts[rating] == 1


@given(st.sampled_from(METRICS), st.floats(0.0001, 60_000))
def test_a_bucket_stands_for_its_values_within_two_percent(metric, value):
    number = metric.bucket(value)
    assert metric.middle(number) == pytest.approx(value, rel=0.0222)
    if not any(value == pytest.approx(edge, rel=1e-6) for edge in (metric.good, metric.poor)):
        assert (number <= 0) == (value <= metric.good)
        assert (number > metric.steps) == (value > metric.poor)


def test_the_smallest_number_is_counted_as_good(write, asking):
    write(load(lcp=5e-324, cls=5e-324))
    assert vitals.overview(scope(), ALL).metrics["LCP"].good == 1
    assert vitals.distribution(scope(), ALL, "CLS") == {CLS.bucket(5e-324): 1}


def test_a_vital_that_knows_only_its_trace_belongs_to_the_load_that_began_it(write, asking):
    trace = {"trace_id": "b" * 32}
    at = NOON + timedelta(minutes=2)
    cached = [load(page_id=f"{n:016x}", at=NOON + timedelta(minutes=n), **trace) for n in range(2)]
    late = load(page_id="c" * 16, at=NOON + timedelta(minutes=9), **trace)
    write(*cached, late)
    loose = {"page": "", "device": "", "is_loose": True, "at": at}
    mine = load(2, page_id="d" * 16, inp=300.0, **trace, **loose)
    other = load(2, page_id="e" * 16, inp=900.0, trace_id="f" * 32, **loose)
    for position in (2, 3):  # replayed, it changes nothing
        write(replace(mine, position=position), other, position=position)
    rows = {
        row.page_id: row.inp
        for row in asking.rows(scope(), select(page_load).where(within(page_load, scope())))
    }
    assert rows == {
        cached[0].page_id: None, cached[1].page_id: 300.0, late.page_id: None, "e" * 16: 900.0,
    }  # fmt: skip


@pytest.mark.parametrize("value", [-1, nan, inf, 60_001])
def test_what_no_page_can_have_measured_is_not_plausible(value):
    assert not LCP.is_plausible(value)
    assert CLS.is_plausible(0)


def test_pieces_of_a_load_become_one_row_in_any_order(asking, write):
    at = {"lcp.at": 5}
    pieces = [
        load(page_id=PAGE_ID, path="/a", trace_id="b" * 32, ttfb=80.0, fcp=300.0),
        piece(at=hour(0.1), lcp=1600.0, attribution=at | {"lcp.target": "img"}),
        piece(at=hour(0.2), lcp=1920.0, attribution={"lcp.at": 9, "lcp.target": "h1"}),
        piece(at=hour(0.3), cls=0.2, inp=90.0),
    ]
    wanted = None
    for number, order in enumerate(permutations(pieces)):
        merged = order[0]
        for other in order[1:]:
            merged = merge(merged, other)
        wanted = wanted or merged
        assert merged == wanted, number
        assert merge(merged, order[0]) == merged
    for position, one in enumerate(reversed(pieces), 1):
        write(PageLoad(**{f: getattr(one, f) for f in PageLoad.__slots__} | {"position": position}),
              position=position)  # fmt: skip
    found = vitals.overview(scope(), ALL)
    assert found.loads == 1
    values = {name: round(vital.p75, 3) for name, vital in found.metrics.items()}
    assert values == {
        name: pytest.approx(value, rel=0.022)
        for name, value in {"LCP": 1920, "CLS": 0.2, "INP": 90, "TTFB": 80, "FCP": 300}.items()
    }
    assert [one.name for one in vitals.by(scope(), ALL, "page")] == ["/a"]


def test_a_replay_and_another_organization_change_nothing(asking, write):
    first = load(lcp=1000.0)
    write(first, position=1)
    write(first, position=1)
    asking.write(2, Batch(page_loads=[load(organization_id=2, lcp=9000.0)]), 1)
    assert vitals.overview(scope(), ALL).loads == 1
    assert vitals.overview(scope(project_id=2), ALL).loads == 0
    with pytest.raises(ValueError, match="has records of"):
        asking.write(1, Batch(page_loads=[load(organization_id=2)]), 2)


def test_p75_and_ratings_by_page_device_and_release(write):
    write(
        *[load(lcp=float(n * 1000), release="1") for n in range(1, 5)],
        load(page="/b", device="mobile", release="2", lcp=9000.0),
        load(page="/b", device="mobile", release="2"),
    )
    whole = vitals.overview(scope(), ALL)
    assert whole.loads == 6
    lcp = whole.metrics["LCP"]
    assert (lcp.good, lcp.needs_improvement, lcp.poor) == (2, 2, 1)
    pages = {one.name: one for one in vitals.by(scope(), ALL, "page")}
    assert pages["/a"].metrics["LCP"].p75 == pytest.approx(3000, rel=0.022)
    assert (pages["/b"].loads, pages["/b"].metrics["LCP"].loads) == (2, 1)
    assert [one.name for one in vitals.by(scope(), ALL, "device")] == ["desktop", "mobile"]
    assert [one.name for one in vitals.by(scope(), ALL, "release")] == ["1", "2"]
    narrowed = [VitalsWanted(page="/b"), VitalsWanted(text="B"), VitalsWanted(device="mobile")]
    assert {vitals.overview(scope(), one).loads for one in narrowed} == {2}
    assert vitals.overview(scope(release="1"), ALL).loads == 4


def test_p75_of_many_loads_is_interpolated(write):
    write(*[load(lcp=1000.0 + 4 * n, cls=0.0) for n in range(1000)])
    found = vitals.overview(scope(), ALL).metrics
    assert found["LCP"].p75 == pytest.approx(1000 + 4 * 750, rel=0.005)
    assert found["CLS"].p75 == 0


def test_a_metric_over_time_and_its_distribution(write):
    write(load(at=hour(-12), lcp=1000.0), load(at=hour(-11), lcp=3000.0), load(at=hour(3)))
    found = vitals.trend(scope(), ALL, "LCP", 6 * 3600)
    assert [one and one.loads for one in found.vitals] == [2, None, None, None]
    several = vitals.trends(scope(), ALL, ["LCP", "CLS"], 6 * 3600)
    assert several["LCP"] == found
    assert several["CLS"].vitals == [None] * 4
    counts = vitals.distribution(scope(), ALL, "LCP")
    assert sum(counts.values()) == 2
    assert [LCP.middle(number) for number in sorted(counts)] == [
        pytest.approx(1000, rel=0.022),
        pytest.approx(3000, rel=0.022),
    ]
    write(load(2, at=hour(0), page="/b c", lcp=9000.0), load(2, page="/d", lcp=1.0), position=2)
    steps = Steps(6 * 3600, "page", ["/a", "/b c", "/none"])
    lcp = pytest.approx
    assert vitals.trends_of_each(scope(), ALL, "LCP", steps) == {
        "/a": [lcp(3000, rel=0.01), None, None, None],
        "/b c": [None, None, lcp(9000, rel=0.01), None],
        "/none": [None] * 4,
    }
    assert vitals.trends_of_each(scope(), ALL, "LCP", Steps(3600, "device")) == {}


LOADS = st.lists(
    st.builds(
        load,
        at=st.integers(0, 4 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        page=st.sampled_from(["/a", "/b", ""]),
        device=st.sampled_from(["desktop", "mobile"]),
        release=st.sampled_from(["1", "2"]),
        lcp=st.none() | st.floats(0, 60_000),
        cls=st.none() | st.floats(0, 1),
        inp=st.none() | st.floats(0, 1_000),
    ),
    min_size=1,
    max_size=40,
)


# An example takes half a second: to shrink one would take minutes.
@settings(max_examples=8, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(LOADS, st.integers(0, 100), st.integers(1, 110))
def test_a_rollup_changes_no_count_and_p75_a_bit(tmp_path_factory, loads, begin, length):
    store = TelemetryStore(tmp_path_factory.mktemp("rollup"), memory_mb=96, open_limit=1)
    app = Flask("asking")
    app.extensions[EXTENSION] = store
    since = NOON + timedelta(hours=begin)
    asked = Scope(
        organization_id=1, project_id=1, since=since, until=since + timedelta(hours=length)
    )
    with app.app_context():
        store.write(1, Batch(page_loads=loads), 1)
        answers = [_answers(asked)]
        clock.freeze(NOON + timedelta(days=3, hours=2))
        vital_rollups.roll_up(1)
        answers.append(_answers(asked))
        assert [counts for counts, _ in answers[0]] == [counts for counts, _ in answers[1]]
        for (_, exact), (_, rolled) in zip(*answers, strict=True):
            assert rolled == pytest.approx(exact, rel=0.05)
        late = load(2, at=NOON + timedelta(days=1), lcp=5000.0)
        store.write(1, Batch(page_loads=[late]), 2)
        before = _answers(asked)
        assert vital_rollups.roll_up(1) == 1
        assert vital_rollups.roll_up(1) == 0
        after = _answers(asked)
        assert [counts for counts, _ in after] == [counts for counts, _ in before]
    clock.release()
    store.close()


def _answers(asked):
    """What each question counts, and the P75 that it tells."""
    found = [
        [vitals.overview(asked, ALL)],
        vitals.by(asked, ALL, "page"),
        vitals.by(asked, VitalsWanted(device="mobile"), "release"),
    ]
    trend = vitals.trend(asked, VitalsWanted(page="/a"), "LCP", 86_400).vitals
    steps = Steps(86_400, "device", ["desktop", "mobile"])
    trends = vitals.trends_of_each(asked, ALL, "LCP", steps)
    told = [[(of.name, of.loads, *map(_counted, _in_order(of))) for of in each] for each in found]
    values = [[one.p75 for of in each for one in _in_order(of)] for each in found]
    return [
        *zip(told, values, strict=True),
        ([_counted(one) for one in trend], [one.p75 if one else 0 for one in trend]),
        *(
            ([p75 is None for p75 in trends[name]], [p75 or 0 for p75 in trends[name]])
            for name in steps.names
        ),
        (vitals.distribution(asked, ALL, "CLS"), []),
    ]


def _in_order(of):
    return [of.metrics[name] for name in sorted(of.metrics)]


def _counted(one):
    return one and (one.metric, one.good, one.needs_improvement, one.poor)


def test_questions_about_months_are_told_by_rollups(asking, write, clock):
    write(*[load(at=NOON - timedelta(days=n), lcp=1000.0) for n in range(5)])
    clock.set(NOON)
    assert vital_rollups.roll_up(1) == 4
    month = scope(since=hour(-24 * 30), until=hour(1))
    assert len(vitals.rolled_days(month)) == 4
    assert vitals.overview(month, ALL).metrics["LCP"].loads == 5
    assert vitals.overview(month, ALL).loads == 5


def test_what_made_a_metric_and_the_worst_loads(write):
    def lcp(value, target, **parts):
        said = {"lcp.at": 1, "lcp.target": target, "lcp.url": "/hero.png"}
        said |= {f"lcp.{name}": part for name, part in parts.items()}
        return load(lcp=value, trace_id="c" * 32, attribution=said)

    write(
        lcp(
            1000.0,
            "img.hero",
            ttfb=100.0,
            load_delay=200.0,
            load_duration=600.0,
            render_delay=100.0,
        ),
        lcp(
            3000.0,
            "img.hero",
            ttfb=300.0,
            load_delay=400.0,
            load_duration=2000.0,
            render_delay=300.0,
        ),
        lcp(500.0, "h1"),
        load(lcp=9000.0),
    )
    hero, h1 = vital_causes.causes(scope(), ALL, "LCP")
    assert (hero.target, hero.detail, hero.loads, hero.worst) == ("img.hero", "/hero.png", 2, 3000)
    assert hero.p75 == 2500
    assert hero.parts == {
        "lcp.ttfb": 200, "lcp.load_delay": 300, "lcp.load_duration": 1300, "lcp.render_delay": 200,
    }  # fmt: skip
    assert h1.parts["lcp.load_delay"] is None
    assert vital_causes.parts(scope(), ALL, "LCP")[0] == 2
    worst = vital_causes.worst(scope(), VitalsWanted(page="/a"), "LCP", limit=2)
    assert [(one.value, one.target) for one in worst] == [(9000, ""), (3000, "img.hero")]
    assert vital_causes.causes(scope(), ALL, "INP") == []
    assert vital_causes.causes(scope(), ALL, "CLS") == []


def test_causes_are_those_of_the_latest_loads(write, monkeypatch):
    monkeypatch.setattr(vital_causes, "LOOKED_AT", 2)
    told = [(f"#{n}", hour(n - 4)) for n in range(4)]
    write(*[load(at=at, inp=100.0, attribution={"inp.target": name}) for name, at in told])
    found = vital_causes.causes(scope(until=hour(3)), ALL, "INP")
    assert [one.target for one in found] == ["#2", "#3"]


def test_a_sample_of_page_loads_is_asked_of_the_loads_themselves(write, clock):
    write(*[load(page_id=f"{number:016x}", lcp=float(number)) for number in range(1, 65)])
    clock.set(NOON + timedelta(days=2))
    assert vital_rollups.roll_up(1) == 1
    assert vitals.overview(scope(), ALL).loads == 64
    some = vitals.overview(scope(), VitalsWanted(sample=16))
    assert some.loads == 4
    assert some.metrics["LCP"].p75 == pytest.approx(48, rel=0.01)


def test_a_vital_without_its_page_load_is_measured_and_no_load(write, asking, app: Flask):
    at = NOON - timedelta(days=3)
    alone = load(at=at, page="/a", inp=300.0, source=PIECE)
    write(load(at=at, page="/a", inp=100.0), alone)
    days = scope(since=at - timedelta(days=1), until=at + timedelta(days=1))

    def counted():
        (page,) = vitals.by(days, ALL, "page")
        return page.name, page.loads, page.metrics["INP"].loads

    assert counted() == ("/a", 1, 2)
    vital_rollups.roll_up(1)
    assert counted() == ("/a", 1, 2)
