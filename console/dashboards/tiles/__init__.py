"""The kinds of tiles that draw numbers of the catalogue, and the one that shows a text."""

from console.dashboards.tiles import charts, figures, heat, tables, text

NUMBERS, NOTES = (*figures.KINDS, *charts.KINDS, *tables.KINDS, *heat.KINDS), text.KINDS
KINDS = (*NUMBERS, *NOTES)
