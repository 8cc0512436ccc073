"""The numbers of a tile as a table for a spreadsheet, and as JSON."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from console.telemetry.tile import Table, TableColumn, Value
from console.web.spreadsheet import defused

UNITS = {"milliseconds": "ms", "share": "0 to 1"}
"""What plain numbers are counted in where pages write them with a unit of their own."""


def csv_of(table: Table) -> str:
    """A head and the rows; shares from 0 to 1, times as ISO 8601 in UTC, gaps empty."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow([defused(_head(column)) for column in table.columns])
    sheet.writerows([_plain(cell.value) for cell in row] for row in table.rows)
    return text.getvalue()


def json_of(table: Table) -> dict[str, Any]:
    """The same in the types of JSON."""
    return {
        "columns": [
            {"title": column.title, "format": column.format, "unit": column.unit}
            for column in table.columns
        ],
        "rows": [[_moment(cell.value) for cell in row] for row in table.rows],
    }


def _head(column: TableColumn) -> str:
    unit = column.unit or UNITS.get(column.format, "")
    return f"{column.title} ({unit})" if unit else column.title


def _plain(value: Value) -> float | str:
    if isinstance(value, str):
        return defused(value)
    written = _moment(value)
    return "" if written is None else written


def _moment(value: Value) -> float | str | None:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
