"""The time axis that all charts of a page share: buckets, grain, where the data ends, markers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, Self, TypeVar

from flask import Flask, current_app, has_request_context, request

from console.core import clock
from console.web import clocks
from console.web.charts import Chart, Marker, Series, Threshold
from console.web.timerange import Range, aligned, in_words, scoped_url

EXTENSION = "pharos.markers"
DAY = timedelta(days=1)
About = tuple[str, str] | None
"""A dimension and its value that a page is about; None if it is about the whole project."""
Ask = Callable[[Any, datetime, datetime, str, About], Sequence[Marker]]


class Earlier(Protocol):
    """A scope that can be moved back in time."""

    def earlier(self, by: timedelta) -> Self:
        """The same scope, `by` earlier."""
        ...


S = TypeVar("S", bound=Earlier)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a chart takes from its page: the top bar's range as equal buckets, and its markers."""

    shown: Range
    grain: timedelta
    markers: Sequence[Marker] = ()
    utc_days: bool = False
    """Days begin at midnight of UTC, as rollups count them, instead of the person's midnight."""

    @classmethod
    def of(
        cls,
        project: Any,
        shown: Range,
        *,
        least: timedelta = timedelta(0),
        utc_days: bool = False,
        about: About = None,
        way: Callable[..., str] | None = None,
    ) -> Timeline:
        """The axis of a page about `project`; its buckets are at least `least` wide.

        Incidents of other values of a dimension than the one it is about are not marked. `way`
        makes the links of markers (`way(project, endpoint, **values)`), by default as the page
        itself would.
        """
        line = cls(shown, max(shown.grain, least), utc_days=utc_days)
        ask: list[Ask] = current_app.extensions.get(EXTENSION, [])
        marker_lists = [
            source(project, line.since, line.until, shown.environment, about) for source in ask
        ]
        markers = (marker for markers in marker_lists for marker in markers)
        return replace(
            line, markers=tuple(_led(marker, project, way or _here) for marker in markers)
        )

    @property
    def since(self) -> datetime:
        """The start of the first bucket, so that buckets stay put as time goes on."""
        offset = timedelta(0) if self._counts_utc_days else clocks.offset(self.until)
        return aligned(self.shown.since, self.grain, offset)

    @property
    def until(self) -> datetime:
        return self.shown.until

    @property
    def seconds(self) -> int:
        """The width of a bucket, as questions take it."""
        return int(self.grain.total_seconds())

    @property
    def buckets(self) -> list[datetime]:
        """Where each bucket starts; the last may reach beyond the end of the range."""
        count = -(-(self.until - self.since) // self.grain)
        return [self.since + self.grain * number for number in range(count)]

    @property
    def per(self) -> str:
        """The grain in words: "per 30 minutes", "per day of UTC"."""
        is_off = self._counts_utc_days and clocks.offset(self.until)
        return f"per {in_words(self.grain)}{' of UTC' if is_off else ''}"

    @property
    def _counts_utc_days(self) -> bool:
        return self.utc_days and self.grain >= DAY

    def chart(
        self,
        title: str,
        series: Sequence[Series],
        *,
        subtitle: str = "",
        unit: str = "",
        threshold: Threshold | None = None,
        watch: Mapping[str, Any] | None = None,
    ) -> Chart:
        """A chart over this axis; the subtitle is the grain unless it is given.

        With `watch`, its head has a link to a new rule about the same number.
        """
        return Chart(
            title=title,
            subtitle=subtitle or self.per,
            unit=unit,
            buckets=self.buckets,
            grain=self.grain,
            series=tuple(series),
            complete_until=min(self.until, clock.now()),
            threshold=threshold,
            markers=self.markers,
            watch=watch or {},
        ).with_one_unit()

    def compared(
        self, scope: S, ask: Callable[[S], Sequence[float | None]], name: str = ""
    ) -> tuple[Series, ...]:
        """What `ask` answers for the period that the top bar compares with, bucket by bucket.

        No series where the top bar chose no comparison. `name` is that of the period by default.
        """
        if self.shown.shift is None:
            return ()
        values = ask(scope.earlier(self.shown.shift))
        return (Series(name or self.shown.compared_with, values, "line", "previous"),)


def _here(_project: Any, endpoint: str, /, **values: Any) -> str:
    """An address among the pages of the project whose page is served; "" where none is."""
    return scoped_url(endpoint, **values) if has_request_context() and request.view_args else ""


def _led(marker: Marker, project: Any, way: Callable[..., str]) -> Marker:
    return replace(marker, url=way(project, marker.page, **marker.asked)) if marker.page else marker


def provide_markers(app: Flask, ask: Ask) -> None:
    """Let a feature mark moments in every chart: `ask(project, since, until, env, about)`."""
    app.extensions.setdefault(EXTENSION, []).append(ask)
