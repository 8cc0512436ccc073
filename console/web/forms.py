"""What the forms of all features share: fields, filters of a page, and the one way to read them."""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import wtforms
from flask import request
from werkzeug.exceptions import BadRequest, UnprocessableEntity
from wtforms import BooleanField, Field, Form, FormField, StringField
from wtforms.validators import Length, ValidationError

from console.core import clock
from console.web import clocks
from console.web.choices import choices

# What HTML and JSON call a number. Python reads more as one: 1_000, and digits of any script.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
MOST_NAMES, MOST_VALUES, LONGEST_VALUE = 20, 100, 1_000
"""Of filters that a form does not know: names, values of a name, and characters of a value."""
F = TypeVar("F", bound=Form)


class Invalid(UnprocessableEntity):
    """A page's GET form is invalid; web/errors.py shows its page with the errors marked."""

    def __init__(self, form: Form) -> None:
        super().__init__(sentence(form))
        self.form = form


def valid(form: F) -> F:
    """The form if it is valid: the only way to read a query string.

    Otherwise a page answers 422 with the rail, its filters and a message beside the field, and the
    API answers 400 and names each parameter.
    """
    if form.validate():
        return form
    raise BadRequest(sentence(form)) if request.path.startswith("/api/") else Invalid(form)


def sentence(form: Form) -> str:
    """What is wrong with a form, naming each parameter."""
    return " ".join(f"{name}: {error}" for name, error in faults(form))


def faults(form: Form) -> Iterator[tuple[str, str]]:
    """The name of each field that is wrong, and what is wrong with it."""
    for field in form:
        if isinstance(field, FormField):
            yield from faults(field.form)
        else:
            yield from ((field.name, error) for error in field.errors)


def names(form: Form) -> set[str]:
    """The names under which a form reads its fields, with the fields of its groups."""
    own = [names(field.form) if isinstance(field, FormField) else {field.name} for field in form]
    return set().union(*own)


def names_of_lists(form: Form) -> set[str]:
    """The names under which a form takes several values; one with a dot begins many names."""
    own: set[str] = set()
    for field in form:
        if isinstance(field, FormField):
            own |= names_of_lists(field.form)
        elif isinstance(field, ValuesByName):
            own.add(f"{field.name}.")
        elif isinstance(field, ListField):
            own.add(field.name)
    return own


def at_most(count: int) -> Length:
    """Refuse a longer text."""
    return Length(max=count, message=f"At most {count:,} characters.")


def mark(form: Form, name: str, message: str) -> None:
    """Mark a field as wrong, after its own validation; of a group of fields the first."""
    field = form[name]
    if isinstance(field, FormField):
        field = next(iter(field.form))
    field.errors = [*field.errors, message]


def plain(text: str | None) -> str:
    """A text without white space around it, and with single spaces within."""
    return " ".join((text or "").split())


def number_of(text: str) -> float | None:
    """The finite number that a text says, or None."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


class FilterForm(Form):
    """The GET form of a page: `ui.toolbar` shows its fields and `ui.clear_filters` empties them."""

    label: ClassVar[str] = "Filters"
    """What the form is for, read out by screen readers."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Fields that are chosen elsewhere on the page, in tabs or links; the toolbar keeps them."""
    keeping: ClassVar[tuple[str, ...]] = ("sort",)
    """Fields that leave nothing out, such as an order."""

    @property
    def toolbar(self) -> list[Field]:
        """The fields to show: all that are not hidden, and hidden ones with errors."""
        return [field for field in self if field.name not in self.hidden or field.errors]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Names and values of the hidden fields that were chosen."""
        hidden = (field for field in self if field.name in self.hidden and not field.errors)
        return [(field.name, str(field.data)) for field in hidden if _is_chosen(field)]

    @property
    def filters_of_list(self) -> list[Field]:
        """The fields that leave something out."""
        left = {*self.hidden, *self.keeping}
        return [field for field in self if field.name not in left]

    @property
    def narrowed(self) -> bool:
        """Whether a filter of the toolbar leaves something out."""
        return any(_is_chosen(field) for field in self.filters_of_list)

    @property
    def cleared(self) -> dict[str, None]:
        """The changes for `url_with` that take every filter out, and lead to the first page."""
        names = (field.name for field in self.filters_of_list)
        return dict.fromkeys((*names, "page", "cursor"))


class SearchField(StringField):
    """The text that a list is searched for; `/` leads to it."""

    widget = wtforms.widgets.SearchInput()

    def __init__(self, placeholder: str, validators: Any = (), **options: Any) -> None:
        """`placeholder` says what is searched, and is the field's label."""
        super().__init__(placeholder, validators, **options)


class OpenSelect(wtforms.SelectField):
    """A select whose options the view offers; with `closed`, anything else is an error."""

    def __init__(self, label: str, blank: str, *, closed: bool = False, **options: Any) -> None:
        """`blank` is the text of the option that chooses nothing."""
        first = choices([("", blank)])
        super().__init__(label, choices=first, validate_choice=closed, default="", **options)
        self.blank = blank

    def offer(self, options: Iterable[tuple[str, str]]) -> None:
        """Set the options as (value, text); the chosen one stays, even if nothing has it now."""
        offered = dict([("", self.blank), *options])
        if not self.validate_choice and self.data not in offered:
            offered[self.data] = self.data
        self.choices = choices(offered.items())


def release_field(longest: int = 200) -> OpenSelect:
    """The release to filter by: any text of so many characters can be the name of one."""
    message = f"A release has at most {longest} characters."
    length = wtforms.validators.Length(max=longest, message=message)
    return OpenSelect("Release", "Any release", validators=[length])


class IntegerField(wtforms.IntegerField):
    """A whole number that a column can hold; a number with more digits is an error."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it as WTForms does, whose NumberRange makes a float of it."""
        if valuelist and valuelist[0] and not _WHOLE_NUMBER.fullmatch(valuelist[0].strip()):
            self.data = None
            raise ValueError(self.gettext("Not a whole number."))
        super().process_formdata(valuelist)


class NumberField(wtforms.FloatField):
    """A number with or without a fraction; infinity and "not a number" are errors."""

    widget = wtforms.widgets.NumberInput(step="any")

    def _value(self) -> str:
        """What stands in the field: what was entered, or the number without an empty fraction."""
        if self.raw_data or self.data is None:
            return str(super()._value())  # type: ignore[misc]
        return f"{self.data:.12g}"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it, or leave an error."""
        if not valuelist:
            return
        self.data = number_of(valuelist[0])
        if self.data is None and valuelist[0].strip():
            raise ValueError("Not a number.")


class ValuesByName(Field):
    """Values under names that the form does not know: `where.endpoint=…` is one of `where`.

    Its data has a list of texts for each name.
    """

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:  # noqa: ARG002 - WTForms' signature
        """Take every parameter whose name begins with the field's name and a dot."""
        self.process_errors: list[str] = []
        self.data: dict[str, list[str]] = dict(data) if isinstance(data, dict) else {}
        prefix = f"{self.name}."
        for name in formdata or ():
            values = [value for value in formdata.getlist(name) if value != ""]
            if name.startswith(prefix) and values:
                self.data[name.removeprefix(prefix)] = values
        if fault := self._fault():
            self.process_errors, self.data = [fault], {}

    def _fault(self) -> str:
        """Why so much is not looked for, "" if it is."""
        if len(self.data) > MOST_NAMES:
            return f"At most {MOST_NAMES} names."
        if any(len(values) > MOST_VALUES for values in self.data.values()):
            return f"At most {MOST_VALUES} values of a name."
        is_long = any(len(text) > LONGEST_VALUE for values in self.data.values() for text in values)
        return f"A value has at most {LONGEST_VALUE:,} characters." if is_long else ""


class ListField(Field):
    """Several texts under one name; empty ones are left out."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take every value of the name; a value may name several, separated by commas."""
        texts = (plain(text) for value in valuelist for text in value.split(","))
        self.data = [text for text in texts if text]

    def process_data(self, value: Any) -> None:
        """Start with no texts where none are given."""
        self.data = list(value or ())


class SwitchField(BooleanField):
    """A box of a form, or a JSON boolean; absent from a script's document, its default holds."""

    def _value(self) -> str:
        """What a box sends when it is ticked, whatever was sent before."""
        return "y"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the boolean; `False` is how JSON's false arrives."""
        if valuelist:
            self.data = valuelist[-1] not in {*self.false_values, "False"}


class Moment(StringField):
    """A date and time with its zone, as ISO 8601."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the moment; any other text is an error of the field."""
        self.data: Any = None
        if valuelist and valuelist[0]:
            try:
                self.data = clock.instant(valuelist[0])
            except ValueError:
                raise ValidationError("Not a date and time such as 2026-11-23T08:00Z.") from None


class LocalMoment(Moment):
    """A date and time on the clock of whoever asks, unless it names its zone."""

    widget = wtforms.widgets.DateTimeLocalInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the moment; any other text is an error of the field."""
        self.data: Any = None
        if valuelist and valuelist[0]:
            try:
                self.data = clocks.instant(valuelist[0], clocks.zone_name())
            except ValueError:
                raise ValidationError("Not a date and time such as 2026-11-23T08:00.") from None

    def _value(self) -> str:
        """What stands in the field: the moment on the same clock, or what was sent instead."""
        if self.data is None:
            return str(self.raw_data[0]) if self.raw_data else ""
        return clocks.local(self.data).strftime("%Y-%m-%dT%H:%M:%S")


def _is_chosen(field: Field) -> bool:
    if isinstance(field, BooleanField):
        return bool(field.data)
    return field.data not in (None, "", field.default)
