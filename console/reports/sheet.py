"""The numbers of an edition as CSV, in which a spreadsheet sees no formula."""

from __future__ import annotations

import csv
from io import StringIO

from console.reports.content import Block, Cell, Frozen, Head
from console.web.spreadsheet import defused


def csv_of(frozen: Frozen) -> bytes:
    """All tables of an edition one below the other, each under its title; UTF-8 with its mark."""
    text = StringIO()
    sheet = csv.writer(text)
    sheet.writerow([defused(frozen.title), defused(frozen.place)])
    sheet.writerow(["since", frozen.since.isoformat(), "until", frozen.until.isoformat()])
    for line in frozen.filters:
        sheet.writerow([defused(line)])
    for block in frozen.blocks:
        if block.heads:
            sheet.writerow([])
            sheet.writerows(_rows(block))
    return ("\ufeff" + text.getvalue()).encode()


def _rows(block: Block) -> list[list[str | float]]:
    heads = [_head(head) for head in block.heads]
    rows: list[list[str | float]] = [[defused(block.title)], [defused(head) for head in heads]]
    return rows + [[_value(cell) for cell in row] for row in block.rows]


def _head(head: Head) -> str:
    unit = head.unit or head.counted_in
    return f"{head.title} ({unit})" if unit else head.title


def _value(cell: Cell) -> str | float:
    return cell.number if cell.number is not None else defused(cell.moment or cell.text)
