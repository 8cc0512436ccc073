"""What all answers of /api/v1 share: time range, pages of lists, and format."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from flask import Response, jsonify, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from wtforms import Form, StringField
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from console.core import clock
from console.web.forms import IntegerField, Moment, names, names_of_lists
from console.web.timerange import LONGEST, LONGEST_ENVIRONMENT

DAY = timedelta(days=1)
PAGE = 50
MOST_STEPS = 1_000
DEEPEST = 5
"""Objects and lists in each other in a document."""
EXACT = 1e15  # a larger number is not written out
_too_long = f"At most {LONGEST_ENVIRONMENT} characters."


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time and environment that an answer is about, to the second, as a scope takes them."""

    start: datetime
    until: datetime
    environment: str


class Timed(Protocol):
    """A scope, as far as an answer tells it."""

    @property
    def since(self) -> datetime:
        """Its start."""
        ...

    @property
    def until(self) -> datetime:
        """Its end."""
        ...


class Anytime(Form):
    """Which time and environment an answer is about; all of it unless something is given."""

    since = Moment("Since")
    until = Moment("Until")
    environment = StringField("Environment", [Length(max=LONGEST_ENVIRONMENT, message=_too_long)])


class Period(Anytime):
    """The same for numbers, which need bounds: by default the last 24 hours."""

    def validate_until(self, _field: Moment) -> None:
        """A range ends after it begins, and not much later."""
        if self.since.errors:
            return
        start, until = self._bounds()
        if not timedelta(0) < until - start <= LONGEST:
            message = f"it lies after since, by at most {LONGEST.days} days."
            raise ValidationError(message)

    @property
    def shown(self) -> Stretch:
        """What a valid form asks for."""
        return Stretch(*self._bounds(), self.environment.data or "")

    def _bounds(self) -> tuple[datetime, datetime]:
        until = self.until.data or clock.now()
        return self.since.data or until - DAY, until


class Steps(Period):
    """The same for a series: in which steps of time."""

    step = IntegerField("Seconds per step", [Optional(), NumberRange(60, 86_400 * 30)])

    def validate_step(self, field: IntegerField) -> None:
        """A series has no more steps than an answer should hold."""
        start, until = self._bounds()
        if field.data and (until - start).total_seconds() / field.data > MOST_STEPS:
            raise ValidationError(f"at most {MOST_STEPS:,} steps in one answer.")


class Paging(Form):
    """Which page of a list, and how long."""

    limit = IntegerField("Limit", [Optional(), NumberRange(1, 100, "Between 1 and 100.")])
    cursor = StringField("Cursor")

    @property
    def length(self) -> int:
        """How many rows a valid form asks for."""
        return self.limit.data or PAGE


def page(name: str, rows: list[dict[str, Any]], cursor: str, of: Timed | None = None) -> Response:
    """A page of a list, with the address of the next page if there is a `cursor`.

    `of` is the scope of the answer: its times stay the same on all pages.
    """
    bounds = period(of) if of else {}
    following = None
    if cursor:
        arguments = request.args.to_dict() | bounds | {"cursor": cursor}
        following = f"{_here()}?{urlencode(arguments)}"
    answer = jsonify(bounds | {name: rows, "next": following})
    if following:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


def _here() -> str:
    """The absolute address of the request, without its query."""
    return url_for(str(request.endpoint), **(request.view_args or {}), _external=True)


def period(of: Timed) -> dict[str, str]:
    """The time that an answer is about."""
    return {"since": of.since.isoformat(), "until": of.until.isoformat()}


def time(at: datetime | None) -> str | None:
    """A moment with its zone, as ISO 8601."""
    return at.astimezone(UTC).isoformat() if at else None


def url(endpoint: str, **values: Any) -> str:
    """The address of a page of the request's project."""
    slugs = request.view_args or {}
    home = {name: slugs[name] for name in ("organization", "project")}
    return url_for(endpoint, **home, _external=True, **values)


def url_of_organization(endpoint: str, **values: Any) -> str:
    """The address of a page of the request's organization."""
    slug = (request.view_args or {})["organization"]
    return url_for(endpoint, organization=slug, _external=True, **values)


def fields(document: Mapping[str, Any]) -> MultiDict[str, str]:
    """A JSON object as the fields of a form: nested names are joined by dots, null is left out.

    Aborts with 400 for what is nested deeper than any form: to walk it takes more time than room.
    """
    return MultiDict(_fields(document, "", DEEPEST))


def members(form: type[Form], thing: str) -> MultiDict[str, str]:
    """The request's document as the fields of a form; aborts with 400 for members it has not."""
    return members_of(document(), thing, form())


def members_of(given: Mapping[str, Any], thing: str, *forms: Form) -> MultiDict[str, str]:
    """The same of a document, whose members are the fields of one of some forms.

    A list stands only where a form takes several values: of another nobody knows which one counts.
    """
    read = fields(given)
    known: set[str] = set().union(*map(names, forms))
    several: set[str] = set().union(*map(names_of_lists, forms))
    open_ = tuple(name for name in several if name.endswith("."))
    if strange := [name for name in read if name not in known and not name.startswith(open_)]:
        raise BadRequest(f"{thing} has no {', '.join(sorted(strange))}.")
    for name in read:
        if f"{name}." in open_:
            raise BadRequest(f"{name}: an object with values by name.")
    for name in _lists(given, ""):
        if name not in several and not name.startswith(open_):
            raise BadRequest(f"{name}: one value, and no list of values.")
    return read


def document() -> dict[str, Any]:
    """The JSON object that a request carries; aborts with 400 for anything else."""
    try:
        body = request.json_module.loads(request.get_data())
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is a JSON object.")
    return body


def _lists(value: Any, name: str) -> Iterator[str]:
    """The names of the members that are lists, of a document that `fields` has read."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _lists(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        yield name


def _fields(value: Any, name: str, deeper: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list) and not deeper:
        raise BadRequest(f"{name[:100]}: nested too deeply.")
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _fields(member, f"{name}.{key}" if name else key, deeper - 1)
    elif isinstance(value, list):
        for member in value:
            yield from _fields(member, name, deeper - 1)
    elif isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        yield name, str(int(value))  # a person who edits a rule reads 300, not 300.0
    elif value is not None:
        yield name, str(value)
