"""What a page draws, a mail draws: trends, bars, gauges, strips, heat maps and histograms."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from console.core.db import db
from console.dashboards import making as dashboards
from console.dashboards.document import Document, Section, Tab, Tile
from console.reports import making, pdf
from console.reports.content import Frozen
from console.reports.letter import Links, html_of, pdf_html, picture_of
from console.reports.models import Report
from console.telemetry.tile import tile_kinds
from console.uptime.models import Check
from console.uptime.probe import Request
from tests.support.counted import Stored

COUNT = [{"metric": "requests.count"}]
TABLE = "dashboards/tiles/_table.html"
WITHOUT = {
    TABLE,
    "changes/_tile_sentence.html",
    "dashboards/tiles/_chart.html",
    "dashboards/tiles/_text.html",
}
"""Parts of which mails have the table, the chart or the text itself."""
TILES = (
    Tile(id="", kind="number", title="Requests", settings={"queries": COUNT}),
    Tile(id="", kind="top", title="Busiest", settings={"queries": COUNT, "by": "endpoint"}),
    Tile(id="", kind="heat", title="When", settings={"queries": COUNT}),
    Tile(id="", kind="histogram", title="Durations", settings={}),
    Tile(id="", kind="vitals", title="Vitals", settings={}),
    Tile(id="", kind="uptime", title="Checks", settings={}),
)


@pytest.fixture
def frozen(app, acme, inside) -> Frozen:
    """What a report of a tile of each kind says."""
    with inside(acme), app.test_request_context(base_url="http://pharos.test"):
        Stored(app, acme)
        request = Request(url="http://shop.test/").document
        db.session.add(Check(project_id=acme.id, name="Home", slug="home", settings=request))
        own = Document(title="All", tabs=(Tab(sections=(Section(tiles=TILES),)),))
        report = Report(
            project_id=acme.id,
            dashboard_id=dashboards.create(acme, own).id,
            name="All",
            cron="0 8 * * *",
            zone="UTC",
            range="30d",
            environment="",
            variables={},
            tile_id="",
        )
        db.session.add(report)
        db.session.flush()
        return making.previewed(report)


def test_a_kind_that_draws_by_itself_draws_for_mails(app):
    with app.app_context():
        kinds = tile_kinds().values()
    nothing = next(kind.still for kind in kinds if kind.part == TABLE)
    drawing = {kind.name for kind in kinds if kind.part not in WITHOUT}
    assert {kind.name for kind in kinds if kind.still is not nothing} == drawing
    assert drawing == {tile.kind for tile in TILES}


def test_a_mail_shows_what_the_page_draws(frozen):
    by_title = {block.title: block for block in frozen.blocks}
    assert by_title["Requests"].keys[0].svg.count("h") > 1
    for title in ("Busiest", "Vitals", "Checks"):
        block = by_title[title]
        assert len(block.bars) == len(block.rows) > 0, title
        assert all("<rect" in bar for bar in block.bars)
    assert by_title["When"].svg.count("<rect") == 7 * 24 + 5, "hours and the legend"
    assert "P95" in by_title["Durations"].svg
    addresses = {name: f"cid:{name}" for name in frozen.drawings}
    page = HTMLParser(html_of(frozen, Links(reason=""), addresses))
    shown = [image.attributes["src"] for image in page.css("img")]
    assert set(shown) == set(addresses.values())
    assert len(page.css("table.numbers")) == 3
    pngs = [picture_of(name, svg) for name, svg in frozen.drawings.items()]
    assert all(png.startswith(b"\x89PNG") for png in pngs)


def test_a_number_of_a_mail_says_its_time_and_leads_to_its_evidence(frozen):
    (key,) = frozen.keys
    assert key.period == "30 d", "nothing was before"
    page = HTMLParser(html_of(frozen, Links(reason=""), dict.fromkeys(frozen.drawings, "cid:x")))
    link = page.css_first(".key-value a")
    assert link is not None
    assert str(link.attributes["href"]).startswith("http")


def test_what_is_left_of_a_mail_without_pictures_has_every_number(frozen):
    page = HTMLParser(html_of(frozen, Links(reason=""), dict.fromkeys(frozen.drawings, "cid:x")))
    text = page.body.text() if page.body else ""
    alts = " ".join(str(image.attributes["alt"]) for image in page.css("img"))
    for block in frozen.blocks:
        for row in block.rows if block.form == "table" else ():
            assert all(cell.text in text for cell in row)
        assert block.form != "chart" or block.words in alts
    assert frozen.keys[0].text in text


@pytest.mark.skipif(bool(pdf.obstacle()), reason="PDF needs Pango")
def test_a_pdf_draws_the_same(frozen):
    pictures = {name: picture_of(name, svg) for name, svg in frozen.drawings.items()}
    whole = pdf.render_pdf(pdf_html(frozen, pictures))
    shown = [image for page in PdfReader(BytesIO(whole)).pages for image in page.images]
    assert len(shown) >= len(set(pictures.values()))


def test_a_tile_that_only_says_the_first_sentence_again_is_left_out(app, acme, inside, make_report):
    tiles = (Tile(id="", kind="changed-most", title="", settings={}), TILES[0])
    with inside(acme), app.test_request_context(base_url="http://pharos.test"):
        own = Document(title="Both", tabs=(Tab(sections=(Section(tiles=tiles),)),))
        report = db.session.get_one(Report, make_report())
        dashboard = dashboards.create(acme, own)
        report.dashboard_id = dashboard.id
        db.session.flush()
        db.session.expire(report)
        assert [block.title for block in making.previewed(report).blocks] == ["Requests"]
        report.tile_id = next(Document.of(dashboard.document).tiles).id
        alone = making.previewed(report)
        assert alone.blocks[0].texts == [alone.sentence]
