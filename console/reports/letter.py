"""An edition as a mail and as a PDF: text with all numbers, a page of 600 pixels, its pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.channels.facts import legible
from console.channels.letter import environment, page
from console.channels.message import Enclosed, Written
from console.reports.content import BAR, Block, Frozen, label
from console.reports.pdf import PICTURE
from console.web import clocks
from console.web.png import render_png

MOST_ROWS = 15
"""Rows of a table in a mail: Gmail cuts a page of more than 102 KB."""
LONGEST_HTML = 100_000
PNG, PDF, CSV = "image/png", "application/pdf", "text/csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where a recipient's mail leads, and why they get it."""

    reason: str
    open_url: str = ""
    leave_url: str = ""


def written(
    frozen: Frozen,
    links: Links,
    pictures: Mapping[str, bytes],
    files: Sequence[Enclosed],
    *,
    key: str,
) -> Written:
    """The mail of an edition; `pictures` are PNGs by the names of `frozen.drawings`.

    The id of a picture has the key of the message: Apple Mail keeps pictures by id, and shows the
    former one for an id that comes twice. Drawings that are alike go along once.
    """
    drawings = {name: svg for name, svg in frozen.drawings.items() if name in pictures}
    names = {svg: name for name, svg in reversed(drawings.items())}
    ids = {name: f"{name.partition('.')[0]}.{key}@pharos" for name in names.values()}
    html = html_of(
        frozen, links, {name: f"cid:{ids[names[svg]]}" for name, svg in drawings.items()}
    )
    shown = [name for name in drawings if name in ids and f'"cid:{ids[name]}"' in html]
    enclosed = [Enclosed(name, PNG, pictures[name], ids[name]) for name in shown]
    return Written(
        subject=legible(f"{frozen.title}: {frozen.sentence}", 160),
        text=text_of(frozen, links),
        html=html,
        files=[*enclosed, *files],
    )


def html_of(frozen: Frozen, links: Links, pictures: Mapping[str, str]) -> str:
    """The page of the mail; `pictures` are addresses by name.

    Rows of tables, and then tiles from the end on, give way to the limit.
    """
    by_drawing = {svg: pictures.get(name, "") for name, svg in frozen.drawings.items()}
    blocks, html = [block for block in frozen.blocks if block.form != "number"], ""
    for most, count in _sizes(len(blocks)):
        html = page(
            "report.html",
            frozen=frozen,
            range=label(frozen),
            as_of=_as_of(frozen),
            pictures=by_drawing,
            open_url=links.open_url,
            leave_url=links.leave_url,
            reason=links.reason,
            most=most,
            blocks=blocks[:count],
            left_out=len(blocks) - count,
        )
        # A preview has its pictures inside, which a mail has beside its page.
        inside = {own for own in pictures.values() if own.startswith("data:") and own in html}
        if len(html.encode()) - sum(html.count(own) * len(own) for own in inside) < LONGEST_HTML:
            break
    return html


def _sizes(count: int) -> Iterator[tuple[int, int]]:
    """Rows of a table and tiles that a mail shows, fewer and fewer."""
    for most in (MOST_ROWS, 7, 3, 1):
        yield most, count
    while count:
        count //= 2
        yield 1, count


def picture_of(name: str, svg: str) -> bytes:
    """A drawing as PNG: a chart on white, a small one on whatever is behind it."""
    return render_png(svg, background="" if name.startswith(BAR) else "#ffffff")


def pdf_html(frozen: Frozen, pictures: Mapping[str, bytes]) -> str:
    """The page that a PDF is made of, with the pictures of the mail: it draws SVG otherwise."""
    addresses = {svg: embedded(pictures[name]) for name, svg in frozen.drawings.items()}
    template = environment().get_template("report_pdf.html")
    return template.render(
        frozen=frozen, range=label(frozen), as_of=_as_of(frozen), pictures=addresses
    )


def embedded(png: bytes) -> str:
    """An address that holds the picture itself."""
    return f"{PICTURE}{b64encode(png).decode()}"


def text_of(frozen: Frozen, links: Links) -> str:
    """The edition as plain text, with all its numbers."""
    return "\n".join(_lines(frozen, links)) + "\n"


def _lines(frozen: Frozen, links: Links) -> Iterator[str]:
    yield from (f"{frozen.title} ({frozen.place})", label(frozen), "", frozen.sentence)
    if frozen.sentence_url:
        yield frozen.sentence_url
    yield ""
    for key in frozen.keys:
        change = f" ({key.change})" if key.change else ""
        yield f"{key.name}: {key.text} {key.unit}".rstrip() + change
    for block in frozen.blocks:
        if block.form != "number":
            yield from _block_lines(block)
    yield ""
    if links.open_url:
        yield f"Open the report: {links.open_url}"
    yield from ("", "-- ", *frozen.filters)
    yield f"Times are in {frozen.zone}. As of {_as_of(frozen)}."
    yield links.reason
    if links.leave_url:
        yield f"Unsubscribe: {links.leave_url}"


def _block_lines(block: Block) -> Iterator[str]:
    yield from ("", block.title, "-" * len(block.title))
    if block.words and (block.svg or block.form == "text"):
        yield block.words
    elif block.rows:
        yield " | ".join(f"{head.title} {head.unit}".strip() for head in block.heads)
        for row in block.rows[:MOST_ROWS]:
            yield " | ".join(cell.text for cell in row)
    if block.note:
        yield block.note


def _as_of(frozen: Frozen) -> str:
    return clocks.zoned(frozen.made_at, "%-d %b %Y, %H:%M", frozen.zone)
