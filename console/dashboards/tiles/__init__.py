"""The kinds of tiles that draw numbers of the catalogue, and the one that shows a text."""

from console.dashboards.tiles import charts, figures, heat, moved, tables, text

NUMBERS = (*figures.KINDS, *charts.KINDS, *tables.KINDS, *heat.KINDS, *moved.KINDS)
NOTES = text.KINDS
KINDS = (*NUMBERS, *NOTES)
