"""What the top bar says: the time range, the environment and the comparison of a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from flask import Blueprint, Flask, current_app, g, request, url_for
from wtforms import Form, SelectField, StringField
from wtforms.validators import ValidationError

from console.core import clock
from console.web import clocks
from console.web.choices import choices
from console.web.forms import valid

RANGES = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
RANGE_LABELS = {
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "14d": "Last 14 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
}
COMPARE_LABELS = {"": "No comparison", "previous": "Previous period", "week": "A week before"}
REFRESH_LABELS = {
    "0": "Auto off",
    "5": "Every 5 s",
    "10": "Every 10 s",
    "30": "Every 30 s",
    "60": "Every minute",
    "300": "Every 5 min",
}
DEFAULT_RANGE = "14d"
PARAMETERS = ("range", "since", "until", "zone", "environment", "compare")
LONGEST = timedelta(days=400)
LONGEST_ENVIRONMENT = 64
EXTENSION = "pharos.ranges"
# A bucket is at least this wide, so that a chart has some 30 to 60 of them.
_GRAINS = (
    (timedelta(hours=2), timedelta(minutes=2)),
    (timedelta(hours=30), timedelta(minutes=30)),
    (timedelta(days=8), timedelta(hours=4)),
    (timedelta(days=16), timedelta(hours=6)),
    (timedelta(days=35), timedelta(hours=12)),
)


@dataclass(frozen=True, slots=True)
class Range:
    """The scope of a page: aware UTC `since` (inclusive) and `until` (exclusive), and the choice.

    `name` is one of RANGES, or "" for a range with `since` and `until` of its own; `environment`
    is "" for all of them; `compare` is "", "previous" or "week".
    """

    name: str
    since: datetime
    until: datetime
    environment: str = ""
    compare: str = ""

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def label(self) -> str:
        if self.name:
            return RANGE_LABELS[self.name]
        since, until = clocks.local(self.since), clocks.local(self.until)
        zone = clocks.abbreviation(until)
        return f"{since:%-d %b %Y %H:%M} to {until:%-d %b %Y %H:%M} {zone}"

    @property
    def in_words(self) -> str:
        """The label within a sentence: names of months and zones keep their capitals."""
        return self.label.lower() if self.name else self.label

    @property
    def grain(self) -> timedelta:
        """The width of a chart's bucket."""
        fits = (grain for longest, grain in _GRAINS if self.length <= longest)
        return next(fits, timedelta(days=max(1, ceil(self.length / timedelta(days=60)))))

    @property
    def start(self) -> datetime:
        """Where the first bucket of its charts starts, from which everything on the page counts."""
        return aligned(self.since, self.grain, clocks.offset(self.until))

    @property
    def shift(self) -> timedelta | None:
        """How much earlier the period to compare with is, None if no comparison is chosen."""
        if not self.compare:
            return None
        return timedelta(days=7) if self.compare == "week" else self.length

    @property
    def compared(self) -> tuple[datetime, datetime] | None:
        """Since and until of the period to compare with, None if no comparison is chosen."""
        return (self.since - self.shift, self.until - self.shift) if self.shift else None

    @property
    def compared_with(self) -> str:
        """The name of the period to compare with, "" if no comparison is chosen."""
        return COMPARE_LABELS[self.compare] if self.compare else ""


class RangeForm(Form):
    """The top bar's GET form."""

    range = SelectField(
        "Time range",
        choices=choices([*RANGE_LABELS.items(), ("custom", "Custom range")]),
        default=DEFAULT_RANGE,
    )
    since = StringField("From")
    until = StringField("To")
    zone = StringField("Time zone")
    """Of `since` and `until` where they name none, so that a link says the same to everybody."""
    environment = StringField("Environment")
    compare = SelectField("Compare", choices=choices(COMPARE_LABELS.items()), default="")

    def validate_environment(self, field: StringField) -> None:
        if len(field.data or "") > LONGEST_ENVIRONMENT:
            message = f"An environment's name has at most {LONGEST_ENVIRONMENT} characters."
            raise ValidationError(message)

    def validate_zone(self, field: StringField) -> None:
        if field.data and not clocks.is_zone(field.data):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_since(self, field: StringField) -> None:
        """A range of one's own starts at a moment."""
        if field.data:
            self._instant(field.data, "from")
        elif self.until.data or self.range.data == "custom":
            raise ValidationError("Say when the range starts, too.")

    def validate_until(self, field: StringField) -> None:
        """It ends after it starts, and is not too long; only where its start makes sense."""
        until = self._instant(field.data, "to") if field.data else clock.now()
        if not self.since.data or self.since.errors:
            return
        since = self._instant(self.since.data, "from")
        if since >= until:
            raise ValidationError("The range ends before it starts.")
        if until - since > LONGEST:
            raise ValidationError(f"A range is at most {LONGEST.days} days long.")

    def value(self) -> Range:
        """What the form says, as of now. Only for a form that validates."""
        environment, compare = (self.environment.data or "").strip(), self.compare.data
        until = clock.now()
        if self.since.data:
            until = self._instant(self.until.data, "to") if self.until.data else until
            return Range("", self._instant(self.since.data, "from"), until, environment, compare)
        name = self.range.data
        return Range(name, until - RANGES[name], until, environment, compare)

    def _instant(self, text: str | None, end: str) -> datetime:
        zone = self.zone.data or ""
        try:
            return clocks.instant(text or "", zone if clocks.is_zone(zone) else "")
        except ValueError:
            message = f"The range's “{end}” is not a date and time such as 2026-11-23T08:00."
            raise ValidationError(message) from None


def current_range(default: str = "") -> Range:
    """The range of this request, read once; without one, what the page's blueprint opens with.

    Raises Invalid for a top bar that makes no sense; the page that says so is about the default.
    """
    if "range" not in g:
        opens: dict[str, str] = current_app.extensions.get(EXTENSION, {})
        name = default or opens.get(request.blueprint or "", DEFAULT_RANGE)
        g.range_form = form = RangeForm(request.args.copy() if request.args else None, range=name)
        g.range = RangeForm(None, range=name).value()
        g.range = valid(form).value()
    value: Range = g.range
    return value


def opens_with(blueprint: Blueprint, name: str) -> None:
    """Open the pages of `blueprint` with this range of RANGES instead of DEFAULT_RANGE."""
    blueprint.record_once(
        lambda state: state.app.extensions.setdefault(EXTENSION, {}).update({blueprint.name: name})
    )


def range_form() -> RangeForm | None:
    """The top bar's form as this request filled it in, with what is wrong; None if none is read."""
    form: RangeForm | None = g.get("range_form")
    return form


def scope_arguments(**changes: str) -> dict[str, str]:
    """The top bar's parameters of this request, for links that keep them."""
    kept = {name: request.args[name] for name in PARAMETERS if request.args.get(name)}
    return {name: value for name, value in {**kept, **changes}.items() if value}


def scoped_url(endpoint: str, **values: Any) -> str:
    """`url_for` that keeps environment, range and comparison."""
    return url_for(endpoint, **{**scope_arguments(), **values})


def provide_environments(app: Flask, ask: Callable[[Any], list[str]]) -> None:
    """Let a feature that knows the environments of projects fill the top bar's list."""
    app.extensions["pharos.environments"] = ask


def environments(place: Any) -> list[str]:
    """The names that the top bar offers: the ones seen, and the one chosen even if unseen.

    `place` is a project, or a list of an organization's.
    """
    ask = current_app.extensions.get("pharos.environments")
    names: list[str] = list(ask(place)) if ask and place is not None else []
    chosen = request.args.get("environment", "")
    return names if not chosen or chosen in names else [*names, chosen]


def aligned(at: datetime, grain: timedelta, offset: timedelta = timedelta(0)) -> datetime:
    """The start of the bucket that `at` lies in, so that buckets stay put as time goes on.

    Days begin at midnight of a clock that is `offset` ahead of UTC, weeks on Monday (ISO 8601). All
    buckets have one width: in a range in which the clock changes, the days before that begin an
    hour off.
    """
    start = datetime(1970, 1, 5, tzinfo=UTC) - offset
    return start + (at - start) // grain * grain


def in_words(grain: timedelta) -> str:
    """The width of a bucket as in "per 30 minutes", without the "per"; exact: 100 s is no 1.7."""
    for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = grain.total_seconds() / seconds
        if count >= 1 and (count * 10).is_integer():
            return unit if count == 1 else f"{count:g} {unit}s"
    return f"{grain.total_seconds():g} s"
