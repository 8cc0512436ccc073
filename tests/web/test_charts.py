import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.axis import GAP, flag_box, marker_labels, time_labels
from console.web.charts import (
    MOST_POINTS,
    Chart,
    Marker,
    Series,
    Threshold,
    chartjs,
    nice_ticks,
    sentence,
)
from console.web.drawing import LEFT, LIGHT, RIGHT, WIDTHS, bars, chart_json, fluid_svg, svg
from console.web.thresholds import BOTTOM, Scale, clearest
from tests.web.gallery import charts

START = datetime(2026, 11, 9, 8, tzinfo=UTC)
GRAINS = [timedelta(minutes=m) for m in (1, 2, 5, 30, 60, 240, 360, 1440, 10080)]
SVG = "{http://www.w3.org/2000/svg}"
values = st.none() | st.integers(0, 10**7) | st.floats(0, 1e6)


@st.composite
def any_chart(draw):
    count = draw(st.integers(1, 80))
    grain = draw(st.sampled_from(GRAINS))
    start = START + timedelta(minutes=draw(st.integers(0, 3000)))
    buckets = [start + grain * index for index in range(count)]
    kinds = draw(st.lists(st.sampled_from(["bar", "line", "area"]), max_size=3))
    column = st.lists(values, min_size=count, max_size=count)
    series = [Series(f"S{index}", draw(column), kind) for index, kind in enumerate(kinds)]
    shares = draw(st.lists(st.floats(-0.1, 1.1), max_size=12))
    markers = tuple(Marker(start + grain * count * s, f"v{i}.0") for i, s in enumerate(shares))
    limit = draw(st.none() | st.floats(0.1, 1e6).map(lambda v: Threshold(v, "Limit")))
    return Chart(
        "Any", buckets, grain, series, unit="ms", markers=markers, threshold=limit,
        complete_until=draw(st.none() | st.just(buckets[-1])),
    )  # fmt: skip


def test_a_lone_value_is_a_dot_under_the_pointer_too():
    buckets = [START + timedelta(hours=hour) for hour in range(5)]
    lonely = Chart("Any", buckets, timedelta(hours=1), [Series("S", [1, None, 2, 3, None])])
    (drawn,) = chartjs(lonely)["data"]["datasets"]
    assert drawn["pointRadius"] == [2, 0, 0, 0, 0]
    assert fluid_svg(lonely).count("<circle") == 1


@given(any_chart(), st.sampled_from([260, 480, 820, 1200]), st.integers(80, 400))
def test_everything_drawn_is_inside_the_picture(chart, width, height):
    root = ET.fromstring(svg(chart, width, height, LIGHT))
    plot = width - LEFT - RIGHT
    for element in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            value = element.get(name, "0")
            if value.endswith("%"):
                assert -0.01 <= float(value[:-1]) <= 100.01
        for name in ("y", "y1", "y2", "cy"):
            assert -0.1 <= float(element.get(name, "0")) <= height
        if element.tag == SVG + "rect":
            assert (
                float(element.get("y", "")) + float(element.get("height", ""))
                <= height - BOTTOM + 0.2
            )
        if element.tag == SVG + "path":
            numbers = (
                element.get("d", "").replace("M", " ").replace("L", " ").replace("Z", "").split()
            )
            assert all(-0.1 <= float(x) <= 1000.1 for x in numbers[::2])
            assert all(0 <= float(y) <= height for y in numbers[1::2])
    assert plot > 0


@given(any_chart(), st.sampled_from([*WIDTHS.values(), 1200]))
def test_labels_never_touch(chart, width):
    below = [label.box(width) for label in time_labels(chart, width)]
    above = [flag_box(label, width) for label in marker_labels(chart, width)]
    assert all(a[1] + GAP <= b[0] for a, b in pairwise(below))
    assert all(a[1] + GAP <= b[0] for a, b in pairwise(above))


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e7), st.booleans())
def test_grid_lines_cover_the_data_in_few_equal_steps(low, span, whole):
    if whole:
        low, span = int(low), int(span) + 1
    ticks = nice_ticks(low, low + span, whole=whole)
    assert ticks[0] <= low + 1e-6
    assert ticks[-1] >= low + span - 1e-6 * (span + abs(low))
    assert 2 <= len(ticks) <= 7
    steps = [b - a for a, b in pairwise(ticks)]
    assert max(steps) - min(steps) < 1e-6 * max(1, abs(low) + span)


@pytest.mark.parametrize(
    ("values", "anchor"),
    [
        ([1.0] * 40 + [1.0, 9.0] * 10, "start"),
        ([1.0, 9.0] * 10 + [1.0] * 40, "end"),
        ([1.0] * 60, "end"),
    ],
)
def test_the_words_of_a_threshold_stand_where_no_line_runs_through_them(values, anchor):
    buckets = [START + timedelta(minutes=minute) for minute in range(60)]
    limit, line = Threshold(5.0, "Limit"), Series("S", values)
    chart = Chart("Any", buckets, timedelta(minutes=1), [line], unit="%", threshold=limit)
    (words,) = (text for text in ET.fromstring(svg(chart, 600, 220, LIGHT)).iter(f"{SVG}text")
                if text.text == "Limit 5 %")  # fmt: skip
    assert words.get("text-anchor") == anchor
    assert words.get("paint-order") == "stroke"


WAVE = [1.0, 9.0] * 30
CALM = [*[1.0, 9.0] * 10, *[9.0] * 20, *[1.0, 9.0] * 10]


@pytest.mark.parametrize(
    ("values", "markers", "at", "above"),
    [
        (CALM, 0, 0.5, False),  # a quiet stretch in the middle
        (WAVE, 0, 0.0, True),  # none at all: above the plot
        (WAVE, 1, 0.25, True),  # and not on a flag
    ],
)
def test_the_words_of_a_threshold_leave_a_line_that_waves_through_both_ends(
    values, markers, at, above
):
    buckets = [START + timedelta(minutes=minute) for minute in range(60)]
    flags = [Marker(START + timedelta(minutes=5 * n), "shop@2.1") for n in range(markers)]
    chart = Chart("Any", buckets, timedelta(minutes=1), [Series("S", values)], unit="%",
                  threshold=Threshold(5.0, "Limit"), markers=flags)  # fmt: skip
    scale = Scale.of(chart, 220)
    place = clearest(chart, scale, "Limit 5 %", 600)
    assert place.at == pytest.approx(at, abs=0.2)
    assert (place.foot < scale.top) is above


def test_where_nothing_is_clear_the_words_of_a_threshold_hide_the_lines_behind_them():
    buckets = [START + timedelta(minutes=minute) for minute in range(60)]
    flag = [Marker(buckets[20], "shop@2.1.1-candidate")]
    chart = Chart("Any", buckets, timedelta(minutes=1), [Series("S", WAVE)], unit="%",
                  threshold=Threshold(5.0, "A limit of our own"), markers=flag)  # fmt: skip
    ground = r"<rect [^>]*({})[^>]*/><text[^>]*>A limit of our own 5 %"
    assert re.search(ground.format('fill="#ffffff"'), svg(chart, 220, 220, LIGHT))
    assert re.search(ground.format('class="c-ground"'), fluid_svg(chart))


def test_counts_start_at_zero_and_have_whole_ticks():
    assert nice_ticks(0, 3, whole=True) == [0, 1, 2, 3]
    assert nice_ticks(0, 113, whole=True) == [0, 50, 100, 150]
    assert nice_ticks(0, 0, whole=True) == [0, 1, 2, 3, 4]
    assert nice_ticks(0, 1e-270) == [0, 0.25, 0.5, 0.75, 1]


def test_the_day_is_named_where_it_begins():
    buckets = [START + timedelta(hours=i) for i in range(24)]
    chart = Chart("Day", buckets, timedelta(hours=1), [Series("S", [1] * 24)])
    texts = [label.text for label in time_labels(chart, 480)]
    assert "10 Nov" in texts
    assert "12:00" in texts


def test_an_hour_without_midnight_names_its_day_once():
    buckets = [START + timedelta(minutes=i) for i in range(60)]
    chart = Chart("Hour", buckets, timedelta(minutes=1), [Series("S", [1] * 60)])
    assert sum("Nov" in label.text for label in time_labels(chart, 480)) == 1


def test_gaps_stay_gaps_and_the_unfinished_bucket_is_dashed():
    drawn = str(fluid_svg(charts()["latency"]))
    solid = ET.fromstring(
        drawn.replace("<svg class", '<svg xmlns="http://www.w3.org/2000/svg" class')
    )
    paths = [p for p in solid.iter(SVG + "path") if p.get("class") == "c-line c-p95"]
    assert paths[0].get("d", "").count("M") == 2
    assert 'class="c-line c-p95 c-dash"' in drawn
    assert "P95 limit 300 ms" in drawn
    assert "c-bar-open" in fluid_svg(charts()["events"])


def test_crowded_releases_are_one_flag():
    texts = [label.text for label in marker_labels(charts()["events"], 500)]
    assert "v1.33.0 +2" in texts


def test_a_crowd_over_the_whole_width_is_several_flags():
    hours = [Marker(START + timedelta(hours=n / 2), f"Alert {n % 3}") for n in range(48)]
    labels = marker_labels(hourly([1] * 24, markers=hours), 600)
    assert len(labels) >= 3
    assert sum(1 + len(label.before) for label in labels) == 48
    assert re.fullmatch(r"Alert \d ×\d+; Alert \d ×\d+; Alert \d ×\d+", labels[-1].words)


def test_the_picture_is_said_in_words():
    words = sentence(charts()["events"])
    assert words.startswith("Events, 9 Nov 20:00 to 23 Nov 20:00 UTC. Errors: ")
    assert "events in all" in words
    assert "5 markers: v1.8.0" in words
    assert f'aria-label="{words}"' in fluid_svg(charts()["events"])


def test_markers_that_are_alike_are_named_once_in_words():
    alike = [Marker(START + timedelta(hours=n), "Something is slow") for n in range(9)]
    words = sentence(hourly([1] * 24, markers=alike))
    assert "9 markers: Something is slow." in words


def test_names_from_clients_cannot_leave_the_markup():
    hostile = '</script><b "x>'
    chart = Chart(hostile, [START], timedelta(hours=1), [Series(hostile, [1])],
                  markers=(Marker(START, hostile),))  # fmt: skip
    assert "<b" not in fluid_svg(chart) + svg(chart, 300, 100, LIGHT)
    assert "</script" not in chart_json(chart)


def hourly(values, unit="ms", **fields):
    buckets = [START + timedelta(hours=hour) for hour in range(len(values))]
    return Chart("Lag", buckets, timedelta(hours=1), [Series("S", values)], unit=unit, **fields)


@pytest.mark.parametrize(
    ("unit", "values", "labels", "highest"),
    [
        ("ms", [250, 1900], ["0", "500", "1,000", "1,500", "2,000"], "highest 1,900 ms"),
        ("ms", [250, 19_000], ["0", "5 s", "10 s", "15 s", "20 s"], "highest 19 s"),
        ("ms", [60_000, 540_000], ["0", "2.5 min", "5 min", "7.5 min", "10 min"], "highest 9 min"),
        ("ms", [1, 100e6], ["0", "10 h", "20 h", "30 h"], "highest 1 d 3 h"),
        ("ms", [1, 864e6], ["0", "2.5 d", "5 d", "7.5 d", "10 d"], "highest 10 d"),
        ("s", [1, 7200 * 2], ["0", "1 h", "2 h", "3 h", "4 h"], "highest 4 h"),
        ("min", [1, 90], ["0", "25", "50", "75", "100"], "highest 90 min"),
        ("min", [1, 2000], ["0", "10 h", "20 h", "30 h", "40 h"], "highest 1 d 9 h"),
        ("requests", [1, 100e6], ["0", "25M", "50M", "75M", "100M"], "highest 100M requests"),
    ],
)
def test_the_axis_of_a_time_is_in_the_unit_that_people_read_it_in(unit, values, labels, highest):
    own = hourly(values, unit)
    texts = [text.text for text in ET.fromstring(svg(own, 600, 200, LIGHT)).iter(f"{SVG}text")]
    assert [text for text in texts if text in labels] == labels
    assert highest in sentence(own)
    assert chartjs(own)["pharos"]["unit"] == (labels[-1].partition(" ")[2] or unit)


def test_the_threshold_of_a_long_time_has_its_unit_and_the_subtitle_names_no_other():
    own = hourly([1, 100e6], threshold=Threshold(5_400_000, "Limit"), subtitle="ms, per hour")
    assert ">Limit 1 h 30 min<" in fluid_svg(own)
    assert own.with_one_unit().subtitle == "per hour"
    assert hourly([1, 100], subtitle="ms, per hour").with_one_unit().subtitle == "ms, per hour"


def test_the_last_unfinished_bucket_of_areas_on_each_other_is_dashed_and_paler():
    buckets = [START + timedelta(hours=hour) for hour in range(4)]
    series = [Series(name, [3, 4, 5, 1], "stack", role) for name, role in (("A", "1"), ("B", "2"))]
    own = Chart("Any", buckets, timedelta(hours=1), series, complete_until=buckets[-1])
    for picture in (fluid_svg(own), svg(own, 600, 200, LIGHT)):
        dashes = picture.count("c-dash") or picture.count('stroke-dasharray="3 3"')
        paler = picture.count("c-stack-open") or picture.count('fill-opacity="0.2"')
        assert (dashes, paler) == (2, 2)
    done = replace(own, complete_until=buckets[-1] + timedelta(hours=1))
    assert "c-dash" not in fluid_svg(done)
    assert "c-stack-open" not in fluid_svg(done)


def test_a_marker_leads_to_its_page_and_a_crowd_has_one_flag_but_all_its_moments():
    at = [START + timedelta(hours=hour) for hour in (1, 1.5, 2, 20)]
    markers = [Marker(moment, f"v{n}", url=f"/issues?release=v{n}") for n, moment in enumerate(at)]
    own = hourly([1] * 24, markers=markers)
    (crowd, lone_) = marker_labels(own, WIDTHS["s"])
    assert (crowd.text, crowd.words, len(crowd.before)) == ("v2 +2", "v0; v1; v2", 2)
    assert (lone_.text, lone_.before) == ("v3", ())
    page = fluid_svg(own)
    assert '<a class="c-flag" href="/issues?release=v2"><title>v0; v1; v2</title>' in page
    assert 'role="group"' in page
    assert "<a" not in svg(own, 600, 200, LIGHT)  # a mail's picture leads nowhere
    outside = replace(own, markers=[replace(marker, url="") for marker in markers])
    assert "<a" not in fluid_svg(outside)
    assert 'role="img"' in fluid_svg(outside)


def test_a_very_narrow_chart_has_labels_of_its_own_that_do_not_touch():
    page = fluid_svg(hourly([1] * 24))
    counts = {}
    for name in WIDTHS:
        (labels,) = re.findall(rf'c-at-{name}">(.*?)</g>', page)
        counts[name] = labels.count("<text")
    assert 0 < counts["xs"] < counts["s"] <= counts["l"]


def test_chartjs_gets_the_same_chart():
    config = chartjs(charts()["events"])
    assert config["options"]["scales"]["y"]["max"] == charts()["events"].ticks()[-1]
    assert config["data"]["datasets"][0]["data"] == list(charts()["events"].series[0].values)
    assert config["pharos"]["openFrom"] == 55


def test_mail_gets_literal_colours_and_no_classes():
    drawn = svg(charts()["latency"], 600, 220, LIGHT)
    assert "class=" not in drawn
    assert LIGHT["p95"] in drawn
    assert 'width="600" height="220"' in drawn


def test_a_chart_refuses_what_no_screen_can_show():
    many = [START + timedelta(minutes=i) for i in range(MOST_POINTS + 1)]
    with pytest.raises(ValueError, match="at most"):
        Chart("Many", many, timedelta(minutes=1), [])
    with pytest.raises(ValueError, match="one value per bucket"):
        Chart("Short", many[:2], timedelta(minutes=1), [Series("S", [1])])


def test_a_sparkline_shows_zero_and_leaves_out_gaps():
    assert bars([1, None, 0], 30, 20).count("M") == 2
