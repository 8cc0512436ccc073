"""What differs between two documents is said by the title of each tile."""

from dataclasses import replace

from console.dashboards.diff import Difference, differences
from console.dashboards.document import Document, Place, Section, Tab, Tile, Variable


def line(metric: str, title: str = "P95", **rest):
    settings = {"queries": [{"metric": metric}], **rest.pop("settings", {})}
    return Tile(id=rest.pop("id", "aaaaaaaaaaaa"), kind="line", title=title, settings=settings,
                **rest)  # fmt: skip


def with_tiles(*tiles: Tile, **rest) -> Document:
    return Document(title="Shop", tabs=(Tab(sections=(Section(title="Speed", tiles=tiles),)),),
                    **rest)  # fmt: skip


def words(before: Document, after: Document) -> list[str]:
    return [f"{difference.place}: {difference.words}" for difference in differences(before, after)]


def test_documents_that_are_the_same_have_no_differences():
    assert differences(with_tiles(line("requests.p95")), with_tiles(line("requests.p95"))) == []


def test_a_tile_names_its_move_and_its_metric():
    before = with_tiles(line("requests.p95"))
    after = with_tiles(line("requests.p99", place=Place(x=6)))
    assert differences(before, after) == [
        Difference("P95", "moved, metric requests.p95 → requests.p99")
    ]


def test_tiles_come_and_go_by_id():
    before = with_tiles(line("requests.p95", "Gone", id="1"), line("requests.rate", id="2"))
    after = with_tiles(line("requests.rate", id="2"), line("errors.count", "New", id="3"))
    assert words(before, after) == ["Gone: removed from Speed", "New: added to Speed"]


def test_tiles_without_ids_are_the_same_by_kind_and_title():
    before = with_tiles(line("requests.p95"))
    after = with_tiles(line("requests.p95", id="", settings={"threshold": 300}))
    assert words(before, after) == ["P95: threshold nothing → 300"]


def test_filters_and_names_are_told_apart_from_metrics():
    old = [{"metric": "requests.p95", "where": {"endpoint": "GET /"}}]
    new = [{"metric": "requests.p95", "name": "Slow"}, {"metric": "requests.rate"}]
    before = with_tiles(Tile(id="1", kind="line", title="P95", settings={"queries": old}))
    after = with_tiles(Tile(id="1", kind="line", title="P95", settings={"queries": new}))
    assert words(before, after) == [
        "P95: filter endpoint GET / → nothing, name nothing → Slow, metric requests.rate added"
    ]


def test_head_variables_tabs_and_sections_are_named():
    before = with_tiles(tags=("team",), variables=(Variable(name="page"),))
    after = replace(
        before,
        title="Store",
        tags=("web",),
        variables=(Variable(name="page", default="/"), Variable(name="host")),
        tabs=(Tab(title="Main", sections=(Section(title="Pace"),)), Tab(title="More")),
    )
    assert words(before, after) == [
        "The dashboard: title Shop → Store",
        "Tag team: removed",
        "Tag web: added",
        "Variable page: default nothing → /",
        "Variable host: added",
        "Tab without a title: removed",
        "Tab Main: added",
        "Tab More: added",
        "Section Speed: renamed to “Pace”",
    ]


def test_settings_that_no_kind_knows_break_nothing():
    before = with_tiles(Tile(id="1", kind="gone", settings={"queries": "x", "text": "a"}))
    after = with_tiles(Tile(id="1", kind="gone", settings={"queries": [None], "text": "b"}))
    assert words(before, after) == ["A tile of the kind gone: another text"]
