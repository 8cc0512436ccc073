"""A policy as a page's form: steps in a list that grows, shrinks and moves, by plain buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Self

from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Optional
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget, TimeInput

from console.alerting.escalation import checking
from console.alerting.escalation.checking import BOUNDS, MOST_STEPS, MOST_TARGETS
from console.alerting.escalation.hours import DAYS
from console.alerting.escalation.models import Policy
from console.alerting.escalation.plan import STANDARD, Plan, Target
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.simulator import Simulation, simulate
from console.alerting.models import Severity
from console.core import clock
from console.web import clocks
from console.web.choices import choices
from console.web.forms import IntegerField, LocalMoment, at_most, mark, plain

WORKDAYS, MORNING, EVENING = ["0", "1", "2", "3", "4"], "09:00", "17:00"
NEW_STEP: Mapping[str, Any] = {"delay_minutes": 10, "targets": []}
WHEN = choices(
    [("", "at all times"), ("skip", "only in certain hours, else passed"),
     ("wait", "in certain hours, and waits for them")]
)  # fmt: skip
_KEY = re.compile(r"[0-9]{1,4}")
_TARGET = re.compile(r"owners|(user|channel)-[0-9]{1,9}", re.ASCII)


class StepForm(Form):
    """One step: when it is done, and whom it notifies."""

    delay_minutes = IntegerField("Minutes after the step before", [InputRequired("Say when.")])
    when = SelectField("It notifies", choices=WHEN, default="")
    days = SelectMultipleField(
        "Days",
        choices=choices((str(number), day) for number, day in enumerate(DAYS)),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        default=WORKDAYS,
    )
    since = StringField("From", widget=TimeInput(), default=MORNING)
    until = StringField("Until", widget=TimeInput(), default=EVENING)
    zone = StringField("Time zone", [at_most(64)])

    def __init__(self, *given: Any, **named: Any) -> None:
        """Its hours are needed where they are shown."""
        super().__init__(*given, **named)
        for field in (self.since, self.until, self.zone):
            field.flags.required = True

    key = ""
    targets: Sequence[str] = ()
    """Whom it notifies: `owners`, `user-7`, `channel-3`."""
    faults: Sequence[str] = ()
    """What is wrong with its targets."""

    @classmethod
    def sent(cls, data: MultiDict[str, str], key: str) -> Self:
        """The step of a key, as a form was sent."""
        form = cls(data, prefix=f"{key}-")
        form.key = key
        chosen = [*data.getlist(f"{key}-targets"), data.get(f"{key}-new", "")]
        known = dict.fromkeys(text for text in chosen if _TARGET.fullmatch(text))
        form.targets = list(known)[: MOST_TARGETS + 1]
        return form

    @classmethod
    def of(cls, document: Mapping[str, Any], key: str) -> Self:
        """The step of a policy's document."""
        hours = document.get("hours")
        own = {"delay_minutes": document["delay_minutes"]}
        if hours:
            own |= {
                "when": document.get("otherwise", "skip"),
                "days": [str(day) for day in hours["days"]],
                **{name: hours[name] for name in ("since", "until", "zone")},
            }
        form = cls(prefix=f"{key}-", data={"zone": clocks.zone_name(), **own})
        form.key = key
        form.targets = [_text(Target.of(target)) for target in document["targets"]]
        return form

    @property
    def document(self) -> dict[str, Any]:
        """What it says, right or wrong."""
        document: dict[str, Any] = {
            "delay_minutes": self.delay_minutes.data,
            "targets": [_target(text).document for text in self.targets],
        }
        if self.when.data:
            document["hours"] = {
                "zone": self.zone.data,
                "days": [_day(text) for text in self.days.data or ()],
                "since": (self.since.data or "")[:5],
                "until": (self.until.data or "")[:5],
            }
            document["otherwise"] = self.when.data
        return document


class PolicyForm(Form):
    """A policy's name, terms and steps, and the incident with which it is tried out."""

    name = StringField("Name", [DataRequired("Give it a name."), at_most(100)], filters=[plain])
    repeats = IntegerField(
        "Rounds after the first",
        [InputRequired("Say how many.")],
        description="How often all steps are repeated.",
    )
    repeat_minutes = IntegerField("Minutes between rounds", [InputRequired("Say how long.")])
    stale_minutes = IntegerField(
        "Minutes an acknowledgement holds",
        [InputRequired("Say when; 0 for never.")],
        description="Then the incident is open again and starts over with step 1. 0: never.",
    )
    unresolved_minutes = IntegerField(
        "Minutes until the policy starts over",
        [InputRequired("Say when; 0 for never.")],
        description="Counted from the last round, while nobody has resolved it. 0: never.",
    )
    at = LocalMoment("An incident opens at", [Optional()])
    severity = SelectField(
        "Its severity",
        choices=choices((severity.value, severity.value.capitalize()) for severity in Severity),
        default=Severity.MEDIUM.value,
    )
    was = IntegerField("Version", [Optional()], widget=HiddenInput())
    steps: list[StepForm]
    steps_fault = ""

    @classmethod
    def sent(cls, data: MultiDict[str, str]) -> Self:
        """The form as it was sent; steps beyond the most are left out, but for one."""
        form = cls(data)
        keys = dict.fromkeys(key for key in data.getlist("steps") if _KEY.fullmatch(key))
        form.steps = [StepForm.sent(data, key) for key in list(keys)[: MOST_STEPS + 1]]
        return form

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any], version: int | None = None) -> Self:
        """The form of a policy."""
        terms = {term: document.get(term, 0) for term in BOUNDS}
        form = cls(data={"name": name, "was": version, **terms})
        form.steps = [
            StepForm.of(step, str(number)) for number, step in enumerate(document["steps"])
        ]
        return form

    @classmethod
    def new(cls) -> Self:
        """The form of a policy that nobody has written yet."""
        return cls.of("", STANDARD)

    @property
    def document(self) -> dict[str, Any]:
        """The policy's document, right or wrong."""
        return {
            "steps": [step.document for step in self.steps],
            **{name: self[name].data for name in BOUNDS},
        }

    @property
    def is_full(self) -> bool:
        """Whether it takes no more steps."""
        return len(self.steps) >= MOST_STEPS

    def act(self, text: str) -> None:
        """Do what a button says: `add`, `remove.KEY`, `up.KEY`, `down.KEY`, `drop.KEY.TARGET`."""
        verb, _, rest = text.partition(".")
        key, _, target = rest.partition(".")
        if verb == "add" and not self.is_full:
            self.steps.append(StepForm.of(NEW_STEP, self._free_key()))
        for number, step in enumerate(self.steps):
            if step.key != key:
                continue
            if verb == "remove":
                del self.steps[number]
            elif verb == "drop":
                step.targets = [text for text in step.targets if text != target]
            elif verb in ("up", "down"):
                place = max(0, number - 1) if verb == "up" else number + 1
                self.steps.insert(place, self.steps.pop(number))
            break

    def is_current(self, policy: Policy) -> bool:
        """Whether nobody has saved another version since the form was opened; says so, if not."""
        if self.was.data in (None, policy.version):
            return True
        self.form_errors.append(
            f"Someone has saved version {policy.version} meanwhile. Save again to replace it."
        )
        self.was.data, self.was.raw_data = policy.version, None
        return False

    def is_valid_for(self, directory: Directory) -> bool:
        """Whether all is right; marks the fields that are not."""
        invalid = [form for form in (self, *self.steps) if not form.validate()]
        wrong = list(checking.faults(self.document, directory))
        for path, why in wrong:
            self._mark(path, why)
        return not invalid and not wrong

    def trial(self, directory: Directory) -> Simulation | None:
        """What it would do with the incident that it names; None if that cannot be said."""
        if next(checking.faults(self.document, directory), None):
            return None
        at: datetime = self.at.data or clock.now().replace(second=0, microsecond=0)
        known = set(Severity)
        severity = Severity(self.severity.data) if self.severity.data in known else Severity.MEDIUM
        return simulate(Plan.of(self.document), directory, severity, at)

    def hindrance(self, directory: Directory) -> str:
        """The first thing that is wrong with the steps and terms, with its place; "" if nothing."""
        path, why = next(checking.faults(self.document, directory), ("", ""))
        name, _, rest = path.partition(".")
        number = rest.partition(".")[0]
        if number.isdecimal():
            return f"Step {int(number) + 1}: {why}"
        return f"{self[name].label.text}: {why}" if name in BOUNDS else why

    def _mark(self, path: str, why: str) -> None:
        name, _, rest = path.partition(".")
        if name in BOUNDS:
            if not self[name].errors:
                mark(self, name, why)
            return
        number, _, member = rest.partition(".")
        if not number.isdecimal():
            self.steps_fault = why
            return
        step = self.steps[int(number)]
        field = member.rpartition(".")[2]
        if field == "targets":
            step.faults = [*step.faults, why]
        elif field in step and not step[field].errors:
            mark(step, field, why)

    def _free_key(self) -> str:
        taken = {step.key for step in self.steps}
        return next(key for key in map(str, count(len(taken))) if key not in taken)


def offered(directory: Directory) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """Whom a step may notify: groups of values and names."""
    yield "Owners", [("owners", "All owners")]
    channels = [channel for channel in directory.channels.values() if channel.deleted_at is None]
    if channels:
        yield "Channels", [(f"channel-{channel.id}", channel.name) for channel in channels]
    people = directory.members.values()
    yield "People", [(f"user-{user.id}", user.name or user.email) for user in people]


def name_of(text: str, directory: Directory) -> str:
    """A target as the form knows it, in words."""
    return directory.name(_target(text))


def fault_of(text: str, directory: Directory) -> str:
    """Why a target of the form cannot be notified, "" if it can."""
    return directory.fault(_target(text))


def _day(text: str) -> int:
    """The number of a day; one that no day has for whatever else was sent."""
    return int(text) if text in {str(number) for number in range(len(DAYS))} else len(DAYS)


def _text(target: Target) -> str:
    return target.reach if target.id is None else f"{target.reach}-{target.id}"


def _target(text: str) -> Target:
    reach, _, number = text.partition("-")
    if reach == "user":
        return Target("user", int(number))
    return Target("channel", int(number)) if reach == "channel" else Target("owners")
