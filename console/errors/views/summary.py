"""The head of an issue's page: what broke, how bad it is, where it stands, what can be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.accounts.models import User
from console.errors import queries
from console.errors.events import Events
from console.errors.forms import AssignmentForm, MuteForm
from console.errors.models import Issue
from console.telemetry.metric import Figure
from console.web.timerange import current_range


@dataclass(frozen=True, slots=True)
class Summary:
    """What `_summary.html` shows."""

    issue: Issue
    figures: Mapping[str, Figure]
    people: Sequence[User]
    mute_form: MuteForm
    assignment_form: AssignmentForm

    @property
    def kind(self) -> str:
        """The exception's type, where the title begins with it."""
        kind = self.issue.kind
        return kind if kind and self.issue.title.startswith(kind) else ""

    @property
    def value(self) -> str:
        """The title without the exception's type."""
        return self.issue.title.removeprefix(self.kind).removeprefix(":").strip()


def summary(
    events: Events,
    *,
    mute_form: MuteForm | None = None,
    assignment_form: AssignmentForm | None = None,
) -> Summary:
    """The head of an issue; forms that were invalid are shown as they were sent."""
    people = queries.people(events.project)
    offered = AssignmentForm().offer([person.email for person in people])
    return Summary(
        events.issue,
        events.counted(current_range().shift),
        people,
        mute_form or MuteForm(),
        assignment_form or offered,
    )
