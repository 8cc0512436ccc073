"""An edition as a mail: short enough for Gmail, with pictures that no other mail's stand in for."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from console.channels.letter import letter
from console.channels.message import Message, Verb
from console.core import clock
from console.reports.content import Block, Cell, Frozen, Head, Key, moved_most
from console.reports.letter import LONGEST_HTML, Links, html_of, written

PNG = b"\x89PNG\r\n\x1a\n"
LINKS = Links(reason="You get it.", open_url="http://p.test/r/1", leave_url="http://p.test/r/2")


def frozen(*blocks: Block) -> Frozen:
    now = clock.now()
    return Frozen(
        title="Morning", place="acme / shop", sentence="Nothing changed.", blocks=blocks,
        since=now - timedelta(days=1), until=now, made_at=now, zone="UTC",
    )  # fmt: skip


def chart(title: str, svg: str) -> Block:
    return Block(title=title, form="chart", svg=svg, words=f"{title}, in a sentence")


def mailed(content: Frozen, key: str = "report-1-1-0000"):
    pictures = {name: PNG + name.encode() for name in content.drawings}
    return written(content, LINKS, pictures, [], key=key)


def table(title: str) -> Block:
    rows = [[Cell(text="x" * 300), Cell(text=str(n), number=n)] for n in range(200)]
    return Block(title=title, form="table", heads=[Head(title="a"), Head(title="b")], rows=rows)


def prose(title: str) -> Block:
    return Block(title=title, form="text", html=f"<p>{'word ' * 4_000}</p>", words="word")


@pytest.mark.parametrize("kind", [table, prose])
def test_a_long_edition_is_cut_before_gmail_cuts_it_and_keeps_its_end(kind):
    mail = mailed(frozen(chart("First", "<svg>1</svg>"), *(kind(f"Tile {n}") for n in range(59))))
    assert len(mail.html.encode()) < LONGEST_HTML
    assert "Unsubscribe" in mail.html
    assert "Open the report" in mail.html
    assert "First" in mail.html
    shown = len(re.findall(r"Tile \d+<", mail.html))
    if shown < 59:
        assert f"{59 - shown} more tiles are in the report" in mail.html
    assert all(f"Tile {n}" in mail.text for n in range(59))


def test_pictures_of_tiles_that_are_left_out_do_not_go_along():
    charts = [chart(f"Chart {n}", f"<svg>{n}</svg>") for n in range(30)]
    mail = mailed(frozen(*(block for own in charts for block in (prose("Long"), own))))
    used = set(re.findall(r'"cid:([^"]+)"', mail.html))
    assert used == {file.id for file in mail.files}
    assert len(used) < 30


def test_a_picture_has_an_id_of_its_mail_alone():
    content = frozen(chart("First", "<svg>1</svg>"), chart("Second", "<svg>2</svg>"))
    one, another = mailed(content, "report-1-1-0000"), mailed(content, "report-2-1-0000")
    ids = {file.id for mail in (one, another) for file in mail.files}
    assert len(ids) == 4
    assert {file.id for file in one.files} == {file.id for file in mailed(content).files}


def test_drawings_that_are_alike_go_along_once():
    content = frozen(chart("First", "<svg>1</svg>"), chart("Again", "<svg>1</svg>"))
    mail = mailed(content)
    assert len(mail.files) == 1
    assert mail.html.count(f'"cid:{mail.files[0].id}"') == 2


def test_the_mail_has_its_pictures_beside_its_page():
    message = Message(
        key="k", thread="k", verb=Verb.REPORT, at=clock.now(), title="Morning", headline="Morning",
        organization="acme", written=mailed(frozen(chart("First", "<svg>1</svg>"))),
    )  # fmt: skip
    mail = letter(message, ["a@acme.test"], sender="p@p.test", base_url="http://p.test", thread={})
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip


def test_a_preview_with_its_pictures_inside_shows_all_that_the_mail_shows():
    content = frozen(*(chart(f"Chart {n}", f"<svg>{n}</svg>") for n in range(30)))
    pictures = {name: f"data:image/png;base64,{name}{'A' * 9_000}" for name in content.drawings}
    page = html_of(content, LINKS, pictures)
    assert all(f">Chart {n}<" in page for n in range(30))


KEYS = [
    Key(name="Requests", text="1.2k", change="+4%", moved=4.0, period="last 7 days"),
    Key(name="P95", text="310", unit="ms", change="−31%", moved=-31.0, period="last 7 days"),
    Key(name="People", text="7"),
]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (KEYS, "P95 moved most: 310 ms, −31% (last 7 days)."),
        (
            [replace(KEYS[0], change="±0%", moved=0.0)],
            "No number here differs from the time before.",
        ),
        (KEYS[2:], "No number here is compared with the time before."),
        ([], "No number here is compared with the time before."),
    ],
)
def test_the_number_that_moved_most_is_named(keys, sentence):
    assert moved_most([Block(title="A", form="number", keys=keys)]) == sentence
