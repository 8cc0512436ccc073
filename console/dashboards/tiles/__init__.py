"""The kinds of tiles that draw numbers of the catalogue, and the one that shows a text."""

from console.dashboards.tiles import charts, figures, text

KINDS = (*figures.KINDS, *charts.KINDS, *text.KINDS)
