"""What people and scripts ask of the inbox, and what they do to issues."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Self

from wtforms import (
    BooleanField,
    Form,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from console.accounts.models import User
from console.errors.models import Category, Level, Status
from console.errors.people import keys_of
from console.errors.queries import SORTS, Filter
from console.errors.search import ME, NOBODY, Search, understood
from console.errors.tokens import SearchError
from console.web.choices import choices
from console.web.forms import (
    FilterForm,
    IntegerField,
    OpenSelect,
    SearchField,
    at_most,
    plain,
    release_field,
)

ALL = "all"
LONGEST_WORD = 200
YEAR_HOURS = 24 * 366


class InboxFilter(FilterForm):
    """The inbox's filters and order, as its URL and the API's say them."""

    label = "Filter issues"
    hidden = ("status",)

    q = SearchField(
        "Search, or filter: is:open release:…",
        [Length(max=500, message="A search has at most 500 characters.")],
    )
    status = SelectField(
        "Status",
        choices=choices([*((s.value, s.value.capitalize()) for s in Status), (ALL, "All")]),
        default=Status.OPEN.value,
    )
    category = SelectField(
        "Category",
        choices=choices(
            [
                ("", "Errors and performance"),
                (Category.ERROR.value, "Errors"),
                (Category.PERFORMANCE.value, "Performance"),
                (Category.REPORT.value, "Browser reports"),
                (ALL, "All categories"),
            ]
        ),
        default="",
    )
    level = SelectField(
        "Level",
        choices=choices(
            [("", "Any level"), *((level.value, level.value.capitalize()) for level in Level)]
        ),
        default="",
    )
    search = Search()
    release_in_search = ""
    versions: Collection[str] = ()
    people: Sequence[User] = ()
    me: User | None = None
    release = release_field()
    assignee = OpenSelect("Assignee", "Any assignee", closed=True)
    sort = SelectField(
        "Sort",
        choices=choices((name, sort.label) for name, sort in SORTS.items()),
        default="users",
    )

    def offer(
        self, people: Sequence[User], versions: Iterable[str] = (), *, me: User | None = None
    ) -> Self:
        """Let issues be filtered by these members and these releases; by "me" where that is one."""
        self.people, self.me, self.versions = people, me, list(versions)
        members = [(person.email, person.name or person.email) for person in people]
        self.assignee.offer([*([(ME, "Me")] if me else []), (NOBODY, "Nobody"), *members])
        self.release.offer((version, version) for version in self.versions)
        return self

    def validate_q(self, field: SearchField) -> None:
        """Understand the search, or say in it what is wrong."""
        try:
            search = understood(field.data or "", self.people, self.me, keys_of)
            known = () if self.release.data else self.versions
            self.search, self.release_in_search = search.without("release", known)
        except SearchError as error:
            raise ValidationError(str(error)) from None

    @property
    def chosen_release(self) -> str:
        """The release of the menu, or the one that the search names."""
        return self.release.data or self.release_in_search

    @property
    def shown_status(self) -> str:
        """The tab that is open: what the search says, else what was chosen."""
        if self.search.chooses_status:
            return self.search.status or ALL
        return str(self.status.data)

    @property
    def leaves_out_reports(self) -> bool:
        """Whether neither menu nor search names a category: reports of browsers are many."""
        return not (self.category.data or self.search.chooses_category)

    def asked(self, **bounds: Any) -> Filter:
        """What a valid form asks of the members that it offers."""
        assignee, people, me = self.assignee.data, self.people, self.me
        status, level, category = self.status.data, self.level.data, self.category.data
        return Filter(
            status=None if status == ALL or self.search.chooses_status else Status(status),
            category=Category(category) if category not in ("", ALL) else None,
            level=Level(level) if level else None,
            release=self.chosen_release,
            assignee=me if assignee == ME else {p.email: p for p in people}.get(assignee),
            unassigned=assignee == NOBODY,
            search=self.search,
            sort=self.sort.data,
            **bounds,
        )


class CompletionForm(Form):
    """The word of a search that is being written."""

    word = StringField("Word", [at_most(LONGEST_WORD)])


class SavedViewForm(Form):
    """The name under which a person keeps the filters of the inbox, for themselves or for all."""

    name = StringField(
        "Name",
        [DataRequired("Give the view a name."), at_most(60)],
        filters=[plain],
    )
    shared = BooleanField("Share it with the project")


class ResolutionForm(Form):
    """Fixed now, or with the next release."""

    in_next_release = BooleanField("In the next release")


class MuteForm(Form):
    """Until when an issue is silent; nothing given: until somebody reopens it."""

    hours = IntegerField(
        "Hours",
        [Optional(), NumberRange(1, YEAR_HOURS, "Between 1 hour and a year (8,784 hours).")],
    )
    events = IntegerField(
        "More events", [Optional(), NumberRange(1, 10_000_000, "Between 1 and 10,000,000.")]
    )
    users = IntegerField(
        "More users", [Optional(), NumberRange(1, 10_000_000, "Between 1 and 10,000,000.")]
    )

    @property
    def bounds(self) -> dict[str, Any]:
        """The arguments of `triage.mute`."""
        hours = self.hours.data
        return {
            "duration": timedelta(hours=hours) if hours else None,
            "more_events": self.events.data,
            "more_users": self.users.data,
        }


class AssignmentForm(Form):
    """Whose an issue is, by address; empty: nobody's."""

    assignee = SelectField("Assignee", default="")

    def offer(self, addresses: list[str]) -> "AssignmentForm":
        """Take only the people of this organization."""
        people = ((address, address) for address in addresses)
        self.assignee.choices = choices([("", "Nobody"), *people])
        return self


class CommentForm(Form):
    """A comment under an issue."""

    text = TextAreaField(
        "Comment",
        [
            DataRequired("Write something first."),
            Length(max=10_000, message="A comment has at most 10,000 characters."),
        ],
    )
