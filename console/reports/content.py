"""What an edition says, frozen: its charts are drawn and its numbers written when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from markupsafe import Markup

from console.changes.weekly import SlightlyWorse
from console.dashboards.drawn import Drawn
from console.dashboards.links_board import outward
from console.dashboards.sheet import UNITS
from console.telemetry.metric import Better
from console.telemetry.tile import Still, TableCell, TableColumn, TileContent
from console.web import clocks
from console.web.drawing import LIGHT, svg
from console.web.filters import compact, measured
from console.web.still import HEIGHT, WIDTH, spark

LONGEST_CELL = 300
BAR = "bar-"
"""How the names of small pictures begin."""
MOST_ROWS = 200
Form = Literal["number", "chart", "table", "text", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value as text; `number` is what a spreadsheet counts with."""

    text: str
    number: float | None = None
    url: str = ""
    tone: str = ""
    moment: str = ""
    """A time as a spreadsheet reads it: ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a column."""

    title: str
    unit: str = ""
    counted_in: str = ""
    """The unit of plain numbers, where people read them with one: of durations, of shares."""
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A number with its change since the period before."""

    name: str
    text: str
    unit: str = ""
    change: str = ""
    tone: str = ""
    period: str = ""
    """Which time it is about, and which one it is compared with."""
    url: str = ""
    svg: str = ""
    """How it went."""
    moved: float = 0.0
    """The change as a number, in percent or in points; editions of before do not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A tile as the edition shows it."""

    title: str
    form: Form
    subtitle: str = ""
    words: str = ""
    """The same in a sentence: what a picture's alt says."""
    svg: str = ""
    legend: Sequence[tuple[str, str]] = ()
    """The names of a chart's lines with their colours."""
    html: str = ""
    keys: Sequence[Key] = ()
    heads: Sequence[Head] = ()
    rows: Sequence[Sequence[Cell]] = ()
    bars: Sequence[str] = ()
    """A small drawing for each row, or none."""
    note: str = ""
    """Why there is nothing to see."""
    is_empty: bool = False

    @property
    def texts(self) -> list[str]:
        """What stands in its cells."""
        return [cell.text for row in self.rows for cell in row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """All that an edition says."""

    title: str
    place: str
    """Whose figures these are: organization and project."""
    sentence: str
    sentence_url: str = ""
    since: datetime
    until: datetime
    zone: str
    made_at: datetime
    filters: Sequence[str] = ()
    """What was filtered, as sentences of "Environment: production"."""
    blocks: Sequence[Block] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing to say."""
        return all(block.is_empty for block in self.blocks)

    @property
    def document(self) -> dict[str, Any]:
        """All of it in JSON's types."""
        moments = {name: getattr(self, name).isoformat() for name in MOMENTS}
        return asdict(self) | moments

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The value of what `document` gave."""
        moments = {name: datetime.fromisoformat(stored[name]) for name in MOMENTS}
        blocks = [_block(block) for block in stored["blocks"]]
        return cls(**{**stored, **moments, "blocks": blocks})

    @property
    def charts(self) -> Iterator[tuple[str, Block]]:
        """Each chart with the name of its picture."""
        for index, block in enumerate(self.blocks):
            if block.svg:
                yield f"chart-{index + 1}.png", block

    @property
    def drawings(self) -> Mapping[str, str]:
        """Every drawing, the small ones as well, by the name of its picture."""
        named = {name: block.svg for name, block in self.charts}
        for index, block in enumerate(self.blocks):
            small = [*(key.svg for key in block.keys), *block.bars]
            named |= {
                f"{BAR}{index + 1}-{place + 1}.png": svg for place, svg in enumerate(small) if svg
            }
        return named

    @property
    def keys(self) -> list[Key]:
        """All the numbers of the edition, which stand at its top."""
        return [key for block in self.blocks for key in block.keys]


MOMENTS = ("since", "until", "made_at")


def frozen_tile(drawn: Drawn) -> Block:
    """A tile as it is now: its numbers as text, its chart as a drawing of fixed size."""
    content = drawn.content
    if content is None:
        return Block(title=drawn.title, form="note", note=drawn.error, is_empty=True)
    still = drawn.kind.still(content) if drawn.kind and not content.empty else Still()
    block = Block(
        title=drawn.title,
        form="table",
        subtitle=content.subtitle,
        words=content.words,
        note=content.empty,
        is_empty=bool(content.empty),
        heads=[_head(column) for column in content.table.columns],
        rows=[_row(row, content.table.columns) for row in content.table.rows[:MOST_ROWS]],
        bars=[str(svg) for svg in still.rows[:MOST_ROWS]],
    )
    if drawn.kind is not None and drawn.kind.name == "number" and content.own:
        return _of_numbers(block, content, drawn.title)
    if still.whole:
        return replace(block, form="chart", svg=str(still.whole))
    if isinstance(content.own, Markup):
        return replace(block, form="text", html=str(content.own), is_empty=True)
    if content.chart is not None and not content.empty:
        chart = content.chart
        lines = [(line.name, LIGHT.get(line.role, LIGHT["1"])) for line in chart.series]
        drawing = str(svg(chart, WIDTH, HEIGHT, LIGHT))
        drawn_values = [value for line in chart.series for value in line.values]
        return replace(
            block,
            form="chart",
            svg=drawing,
            legend=lines if len(lines) > 1 else (),
            is_empty=not any(drawn_values),
        )
    return block if block.rows or content.empty else replace(block, note="No rows.", is_empty=True)


def frozen_changes(worse: SlightlyWorse) -> Block:
    """What got slightly worse, as a table."""
    titles = ("What", "", "Before", "Now", "Since")
    rows = [
        [
            Cell(text=line.name[:LONGEST_CELL], url=line.url),
            Cell(text=line.effect, tone="warn"),
            Cell(text=line.before),
            Cell(text=line.after),
            Cell(text=line.since),
        ]
        for line in worse.lines
    ]
    left_out = f"{worse.left_out} more are on the page." if worse.left_out else ""
    return Block(
        title="Slightly worse",
        form="table",
        subtitle="No alert rule fired for these",
        words=worse.sentence.text,
        heads=[Head(title=title) for title in titles],
        rows=rows,
        note=left_out if rows else "Nothing got worse without an incident.",
        is_empty=not rows,
    )


def moved_most(blocks: Sequence[Block]) -> str:
    """Which number of an edition moved most, in a sentence, by the edition's own numbers alone."""
    compared = [key for block in blocks for key in block.keys if key.change]
    if not compared:
        return "No number here is compared with the time before."
    key = max(compared, key=lambda key: abs(key.moved))
    if not key.moved:
        return "No number here differs from the time before."
    reached = f"{key.text} {key.unit}".strip()
    return f"{key.name} moved most: {reached}, {key.change} ({key.period})."


def outward_block(block: Block) -> Block:
    """A block for outsiders: nothing in it leads into the console."""
    rows = [[replace(cell, url="") for cell in row] for row in block.rows]
    keys = [replace(key, url="") for key in block.keys]
    return replace(block, html=str(outward(block.html)), rows=rows, keys=keys)


def _of_numbers(block: Block, content: TileContent, title: str) -> Block:
    several = len(content.own) > 1
    keys = [
        Key(
            name=f"{title}: {own.name}" if several else title,
            text=in_format(own.value, own.format),
            unit=own.unit,
            change=_change(own.change, own.format),
            tone=_tone(own.change, own.better),
            period=content.subtitle if own.value is not None else content.empty,
            url=own.url,
            svg=str(spark(own.trend)),
            moved=own.change or 0.0,
        )
        for own in content.own
    ]
    is_empty = not any(own.value for own in content.own)
    return replace(block, form="number", keys=keys, bars=(), is_empty=is_empty)


def in_format(value: float | None, how: str) -> str:
    """A metric's number as plain text: pages have the exact figure in a tooltip."""
    return str(Markup(measured(value, how)).striptags())  # noqa: S704 - our own words


def _change(change: float | None, format_: str) -> str:
    if change is None:
        return ""
    unit = " pt" if format_ == "share" else "%"
    return f"{'+' if change > 0 else '−' if change < 0 else '±'}{compact(abs(change))}{unit}"


def _tone(change: float | None, better: Better) -> str:
    if not change or better not in {"lower", "higher"}:
        return ""
    return "good" if (change < 0) == (better == "lower") else "bad"


def _head(column: TableColumn) -> Head:
    is_number = column.format not in {"text", "time"}
    counted_in = UNITS.get(column.format, "")
    return Head(title=column.title, unit=column.unit, counted_in=counted_in, is_number=is_number)


def _row(row: Sequence[TableCell], columns: Sequence[TableColumn]) -> list[Cell]:
    return [_cell(cell, column) for cell, column in zip(row, columns, strict=True)]


def _cell(cell: TableCell, column: TableColumn) -> Cell:
    value = cell.value
    number = float(value) if isinstance(value, int | float) else None
    if cell.word:
        text = cell.word
    elif isinstance(value, datetime):
        text = clocks.zoned(value, "%-d %b %H:%M")
    elif isinstance(value, int | float) and column.format not in {"text", "time"}:
        text = in_format(value, column.format)
    else:
        text = "" if value is None else str(value)
    return Cell(
        text=text[:LONGEST_CELL],
        number=number,
        url=cell.url,
        tone=cell.tone,
        moment=value.isoformat() if isinstance(value, datetime) else "",
    )


def _block(stored: Mapping[str, Any]) -> Block:
    return Block(
        **{
            **stored,
            "legend": [(name, color) for name, color in stored["legend"]],
            "keys": [Key(**own) for own in stored["keys"]],
            "heads": [Head(**own) for own in stored["heads"]],
            "rows": [[Cell(**cell) for cell in row] for row in stored["rows"]],
        }
    )


def label(frozen: Frozen) -> str:
    """The time that an edition is about, on its own clock, with its days if it has several."""
    form, whole = "%-d %b %Y %H:%M", frozen.until - frozen.since
    since, until = (clocks.zoned(at, form, frozen.zone) for at in (frozen.since, frozen.until))
    days = whole // timedelta(days=1)
    return f"{since} to {until} ({days} days)" if days > 1 else f"{since} to {until}"
