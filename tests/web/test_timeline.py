"""The axis that charts of a page share: its buckets, where its data ends, its comparison."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from console.telemetry.scope import Scope
from console.web import clocks
from console.web.charts import Marker, Series
from console.web.timeline import Timeline, provide_markers
from console.web.timerange import RANGES, Range
from tests.web.gallery import NOW

DAY = timedelta(days=1)


@dataclass
class Shop:
    id: int = 7
    organization_id: int = 1


def shown(name="24h", compare="", environment=""):
    return Range(name, NOW - RANGES[name], NOW, environment, compare)


@pytest.fixture
def line(gallery):
    def line(of, **options):
        with gallery.app_context():
            return Timeline.of(Shop(), of, **options)

    return line


@pytest.mark.parametrize("name", RANGES)
def test_buckets_cover_the_range_and_begin_where_the_scope_does(line, name):
    axis, scope = line(shown(name)), Scope.of(Shop(), shown(name))
    assert axis.buckets[0] == axis.since == scope.since <= NOW - RANGES[name]
    assert axis.buckets[-1] < NOW <= axis.buckets[-1] + axis.grain
    assert len(axis.buckets) <= 61


@pytest.mark.parametrize(
    ("zone", "hour"), [("UTC", 0), ("America/New_York", 5), ("Asia/Kolkata", 18.5)]
)
def test_days_begin_at_midnight_of_the_person(gallery, zone, hour):
    of = shown("90d")
    with gallery.test_request_context(headers={"Cookie": f"{clocks.COOKIE}={zone}"}):
        axis, rolled_up = (Timeline.of(Shop(), of, utc_days=utc) for utc in (False, True))
        assert axis.grain >= DAY
        assert axis.since == Scope.of(Shop(), of).since == of.start
        assert axis.since - midnight(axis.since) == timedelta(hours=hour)
        assert axis.since <= of.since < axis.since + axis.grain
        assert clocks.local(axis.buckets[-1]).strftime("%H:%M") == "00:00"
        assert rolled_up.since == midnight(rolled_up.since)
        assert ("UTC" in rolled_up.per) == (zone != "UTC")
        assert "UTC" not in axis.per


def midnight(at):
    return at.replace(hour=0, minute=0)


def test_a_scope_is_the_project_the_top_bar_and_the_filters():
    scope = Scope.of(Shop(), shown(environment="staging"), release="shop@1")
    assert (scope.organization_id, scope.project_id) == (1, 7)
    assert (scope.environment, scope.release) == ("staging", "shop@1")


def test_a_chart_takes_buckets_grain_end_and_markers_from_it(line, gallery):
    provide_markers(
        gallery, lambda _shop, _since, until, where, _about: [Marker(until - DAY / 2, where)]
    )
    axis = line(shown(environment="staging"))
    chart = axis.chart("Errors", [Series("Errors", [0] * len(axis.buckets))], unit="errors")
    assert (chart.buckets, chart.grain) == (axis.buckets, axis.grain)
    assert chart.subtitle == "per 30 minutes"
    assert chart.complete_until == NOW
    assert [marker.text for marker in chart.markers] == ["staging"]
    assert chart.open_from == len(axis.buckets) - 1


def test_wide_buckets_are_kept_and_narrow_ones_widened(line):
    assert line(shown("1h"), least=timedelta(hours=1)).grain == timedelta(hours=1)
    assert line(shown("14d"), least=timedelta(hours=1)).grain == timedelta(hours=6)


@pytest.mark.parametrize(
    ("compare", "back", "name"),
    [("previous", DAY, "Previous period"), ("week", 7 * DAY, "A week before")],
)
def test_a_comparison_asks_for_the_same_buckets_earlier(line, compare, back, name):
    axis, scope = line(shown(compare=compare)), Scope.of(Shop(), shown())
    lengths = [(scope.since - back).timestamp(), (scope.until - back).timestamp()]
    (series,) = axis.compared(scope, lambda then: [then.since.timestamp(), then.until.timestamp()])
    assert (series.name, series.role, series.values) == (name, "previous", lengths)


def test_nothing_is_asked_without_a_comparison(line):
    assert line(shown()).compared(Scope.of(Shop(), shown()), pytest.fail) == ()
