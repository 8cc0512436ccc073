"""Charts as pictures for mail and chat."""

from datetime import UTC, datetime, timedelta

import pytest

from console.web.charts import Chart, Series, Threshold
from console.web.drawing import LIGHT, svg
from console.web.png import SHARP, render_png

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def chart(title: str = "P95", threshold: str = "Critical") -> Chart:
    buckets = [NOON + timedelta(minutes=minute) for minute in range(30)]
    values = [float(minute % 7) for minute in range(30)]
    line = Threshold(5, threshold)
    return Chart(title, buckets, timedelta(minutes=1), [Series("P95", values)], threshold=line)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_a_chart_is_drawn_sharp_and_at_its_size():
    assert size(render_png(svg(chart(), 600, 220, LIGHT))) == (600 * SHARP, 220 * SHARP)


def test_its_letters_are_drawn():
    """Without a font the renderer leaves them out and says nothing."""
    words, none = (render_png(svg(chart(threshold=text), 600, 220, LIGHT)) for text in ("WWW", ""))
    assert words != none
    letters = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>'
    text = '<text x="2" y="15" font-family="sans-serif">Ä7</text>'
    assert render_png(letters.format(text)) != render_png(letters.format(""))


def test_what_is_no_drawing_is_refused():
    with pytest.raises(ValueError, match="never closed"):
        render_png("<p>not an image")


def test_a_name_with_characters_that_no_xml_may_have_is_drawn_all_the_same():
    """Releases are called what clients like; without the picture, a whole report would not go."""
    title = "".join(map(chr, (*range(32), 127, 0xD800, 0xFFFE, 0xFFFF, 0x1F600)))
    assert size(render_png(svg(chart(title), 600, 220, LIGHT))) == (600 * SHARP, 220 * SHARP)
