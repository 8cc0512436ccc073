"""What people and scripts say of a rule: the fields of the editor are the members of the API."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Self

from wtforms import Field, Form, FormField, SelectField, StringField
from wtforms.form import BaseForm
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from console.accounts.models import Project
from console.alerting import composite
from console.alerting.candidates import Candidates, candidates
from console.alerting.composite import Member
from console.alerting.condition import COMPARES, LEVELS, Condition, ConditionError, Gap, Level
from console.alerting.definition import DEFAULT_WINDOW, Definition
from console.alerting.models import Rule, Severity
from console.alerting.wording import ABOVE
from console.metrics.asking import dimension_faults, numbers_of, parameter_faults, place_faults
from console.metrics.catalogue import CATALOGUE, full_title
from console.telemetry.metric import Metric
from console.web.api import fields
from console.web.choices import choices
from console.web.forms import (
    FilterForm,
    IntegerField,
    ListField,
    LocalMoment,
    Moment,
    NumberField,
    OpenSelect,
    SearchField,
    SwitchField,
    ValuesByName,
    at_most,
    mark,
    plain,
)

GAPS = {
    Gap.KEEP: "changes nothing",
    Gap.OK: "counts as ok",
    Gap.FIRING: "counts as a breach",
    Gap.NO_DATA: "is a state of its own",
}
COMPARISONS = {
    "": "the number itself",
    "percent": "in per cent of the earlier period",
    "absolute": "the difference from the earlier period",
    "deviation": "in deviations from what is usual at this hour of the week",
}
DAY = 86_400
LONGEST_WINDOW, LONGEST_SHIFT = 7 * DAY, 28 * DAY
MOST_TAGS, LONGEST_TAG = 20, 40
LONGEST_FIND = 200
MOST_PHASES = 60
"""So many evaluations look at the same event at most."""


class LevelsForm(Form):
    """The numbers that a metric must not pass."""

    critical = NumberField("Critical", [Optional()])
    warning = NumberField("Warning", [Optional()])


class BreachesForm(Form):
    """How many evaluations must breach a level."""

    n = IntegerField("Breaches", [Optional()], default=1)
    of = IntegerField("Of the last evaluations", [Optional()], default=1)


class ConditionForm(Form):
    """When a rule fires."""

    op = SelectField(
        "Fires when the number is",
        choices=choices((op, f"{ABOVE[op]} ({op})") for op in COMPARES),
    )
    levels = FormField(LevelsForm, separator=".")
    recovery = NumberField("Recovered at", [Optional()])
    pending_seconds = NumberField("For at least, in seconds", [Optional()], default=0.0)
    keep_firing_seconds = NumberField("Keep firing for, in seconds", [Optional()], default=0.0)
    breaches = FormField(BreachesForm, separator=".")
    interval_seconds = IntegerField("Evaluate every, in seconds", [Optional()], default=60)
    no_data = SelectField("No data", choices=choices(GAPS.items()), default=Gap.KEEP.value)
    on_error = SelectField(
        "An error of the question",
        choices=choices((gap, text) for gap, text in GAPS.items() if gap is not Gap.NO_DATA),
        default=Gap.KEEP.value,
    )
    compare = SelectField("Compare", choices=choices(COMPARISONS.items()), default="")
    floor = NumberField("Compared with at least", [Optional()])
    minimum_samples = IntegerField("At least so many samples", [Optional()])

    def condition(self, *, least: int = 0) -> Condition:
        """The condition of a form whose fields are valid by themselves; raises ConditionError.

        `least` is the number of samples where the form names none.
        """
        levels = self.levels.form.data
        return Condition(
            op=self.op.data,
            levels={level: levels[level] for level in LEVELS if levels[level] is not None},
            recovery=self.recovery.data,
            pending_seconds=_given(self.pending_seconds),
            keep_firing_seconds=_given(self.keep_firing_seconds),
            breaches=_given(self.breaches.form.n),
            of=_given(self.breaches.form.of),
            interval_seconds=_given(self.interval_seconds),
            no_data=Gap(self.no_data.data),
            on_error=Gap(self.on_error.data),
            compare=self.compare.data or None,
            floor=self.floor.data,
            minimum_samples=least
            if self.minimum_samples.data is None
            else self.minimum_samples.data,
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and agree with each other."""
        if not super().validate(extra_validators):
            return False
        try:
            self.condition()
        except ConditionError as error:
            mark(self, error.field, str(error))
            return False
        return True


class WatchForm(ConditionForm):
    """What a rule watches, and when it fires."""

    metric = SelectField(
        "Metric",
        [InputRequired("Choose a metric.")],
        choices=choices((metric.id, full_title(metric)) for metric in CATALOGUE.values()),
        validate_choice=False,  # `validate` names the metric that does not exist
    )
    parameters = ValuesByName("Parameters")
    where = ValuesByName("Filters")
    by = StringField("An incident for each", [Optional()])
    environment = StringField("Environment", [at_most(64)])
    release = StringField("Release", [at_most(200)])
    window_seconds = IntegerField(
        "Over the last, in seconds",
        [Optional(), NumberRange(10, LONGEST_WINDOW, "Between 10 seconds and 7 days.")],
        default=DEFAULT_WINDOW,
    )
    base_seconds = IntegerField(
        "Compared with, so many seconds earlier",
        [Optional(), NumberRange(10, LONGEST_SHIFT, "Between 10 seconds and 28 days.")],
    )

    @property
    def definition(self) -> Definition:
        """What a valid form says."""
        metric = CATALOGUE[str(self.metric.data)]
        shift = self.base_seconds.data
        if shift is None:
            shift = DAY
        return Definition(
            metric=metric.id,
            condition=self.condition(least=samples_needed(metric)),
            parameters=numbers_of(self.parameters.data),
            where=self.where.data,
            by=self.by.data or None,
            environment=self.environment.data or "",
            release=self.release.data or "",
            window_seconds=_given(self.window_seconds),
            base_seconds=shift if self.compare.data in ("percent", "absolute") else None,
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and the metric can answer what they ask."""
        if not super().validate(extra_validators):
            return False
        metric = CATALOGUE.get(str(self.metric.data))
        if metric is None:
            mark(self, "metric", f"Unknown metric {self.metric.data}.")
            return False
        faults = list(self._faults(metric))
        for name, message in faults:
            mark(self, name, message)
        return not faults

    def _faults(self, metric: Metric) -> Iterator[tuple[str, str]]:
        interval, window = _given(self.interval_seconds), _given(self.window_seconds)
        if window % interval or window < interval:
            yield "window_seconds", f"A multiple of the interval of {interval} seconds."
        elif window // interval > MOST_PHASES:
            yield (
                "interval_seconds",
                f"At least {-(-window // MOST_PHASES)} seconds for this window.",
            )
        yield from dimension_faults(metric, self.by.data, self.where.data)
        yield from parameter_faults(metric, self.parameters.data)
        yield from place_faults(metric, self.environment.data or "", self.release.data or "")


def samples_needed(metric: Metric) -> int:
    """How many samples a number needs: one that is zero without rows needs none."""
    return metric.least if metric.empty == "gap" else 0


def _given(field: Field) -> Any:
    """What was filled in, or the field's default."""
    return field.default if field.data is None else field.data


class NamedForm(Form):
    """A rule's name, and what becomes of its incidents."""

    name = StringField(
        "Name",
        [InputRequired("Give it a name."), at_most(100)],
        filters=[plain],
    )
    severity = SelectField(
        "Severity",
        choices=choices((severity.value, severity.value.capitalize()) for severity in Severity),
        default=Severity.MEDIUM.value,
    )
    tags = ListField("Tags")
    shadow = SwitchField("Shadow mode: notify no one")
    enabled = SwitchField("Evaluated", default=True)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all fields are valid, the tags too."""
        is_valid = super().validate(extra_validators)
        faults = [tag for tag in self.tags.data if len(tag) > LONGEST_TAG]
        if faults or len(self.tags.data) > MOST_TAGS:
            mark(self, "tags", f"At most {MOST_TAGS} tags of {LONGEST_TAG} characters.")
            return False
        return is_valid

    @property
    def fields(self) -> dict[str, Any]:
        """What a rule has beside its definition. Only for a form that validates."""
        return {
            "severity": Severity(self.severity.data),
            "tags": sorted(set(self.tags.data)),
            "shadow": bool(self.shadow.data),
            "enabled": bool(self.enabled.data),
        }


class RuleForm(NamedForm, WatchForm):
    """A rule: its name, what it watches, and what becomes of its incidents."""


class MembersField(ListField):
    """The rules of a composite rule: "12", or "12:GET /cart" for one value of its breakdown."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take every value of the name as it is: values of breakdowns have commas."""
        self.data = [text for text in map(plain, valuelist) if text]

    @property
    def members(self) -> list[Member]:
        """The members that a valid field names."""
        return [Member.of(text) for text in self.data]

    def post_validate(self, form: BaseForm, validation_stopped: bool) -> None:  # noqa: FBT001 - WTForms'
        """Refuse what names no rule."""
        del form, validation_stopped
        for text in self.data:
            try:
                Member.of(text)
            except ValueError:
                raise ValidationError(f"{text[:40]} is not the number of a rule.") from None


class TogetherForm(Form):
    """Which rules fire together in a composite rule, and for how long.

    Whoever makes the form says in which project, and which rule is to be changed.
    """

    project_id = 0
    rule_id: int | None = None
    members = MembersField("All of these rules fire")
    level = SelectField(
        "Level",
        choices=choices((level.value, level.value.capitalize()) for level in reversed(LEVELS)),
        default=Level.CRITICAL.value,
    )
    interval_seconds = IntegerField("Evaluate every, in seconds", [Optional()], default=60)
    pending_seconds = NumberField("For at least, in seconds", [Optional()], default=0.0)
    keep_firing_seconds = NumberField("Keep firing for, in seconds", [Optional()], default=0.0)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid by themselves, and together make a condition."""
        if not super().validate(extra_validators):
            return False
        for message in composite.faults(self.project_id, self.members.members, self.rule_id):
            mark(self, "members", message)
        try:
            self._condition()
        except ConditionError as error:
            mark(self, "members" if error.field == "levels" else error.field, str(error))
        return not self.errors

    @property
    def definition(self) -> Definition:
        """What a valid form says."""
        return composite.definition(self.members.members, self._condition())

    def _condition(self) -> Condition:
        times = ("interval_seconds", "pending_seconds", "keep_firing_seconds")
        fields = {name: _given(self[name]) for name in times}
        return composite.condition(self.members.members, Level(self.level.data), **fields)


class CompositeForm(NamedForm, TogetherForm):
    """A rule of other rules: its name, its members, and what becomes of its incidents."""

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The form of a composite rule as it is saved."""
        kept = ("name", "severity", "tags", "shadow", "enabled")
        own = {name: getattr(rule, name) for name in kept}
        level = rule.definition.condition.ordered[-1].value
        return cls(fields(rule.document | own | {"level": level}))

    def is_for(self, project: Project, rule: Rule | None) -> Self:
        """The form, for a new rule of a project or for a rule of it."""
        self.project_id, self.rule_id = project.id, rule.id if rule else None
        return self


class CompositePageForm(CompositeForm):
    """The same for a page, which offers some of the project's rules, and finds others."""

    find = SearchField("Find a rule, or a value of its breakdown", [at_most(LONGEST_FIND)])

    @cached_property
    def candidates(self) -> Candidates:
        """What it can be made of: all that is chosen, and what matches the search."""
        known = [Member.of(text) for text in self.members.data or () if _names_a_rule(text)]
        text = plain(self.find.data)[:LONGEST_FIND]
        return candidates(self.project_id, self.rule_id, known, text)


def _names_a_rule(text: str) -> bool:
    try:
        Member.of(text)
    except ValueError:
        return False
    return True


class ExplainFilter(FilterForm):
    """A moment at which a rule is to be explained."""

    label = "Explain a moment"

    at = Moment("Why did it fire, or not, at", description="Explain a moment")
    value = StringField("For", [at_most(200)], description="for one value")


class ExplainForm(ExplainFilter):
    """The same on a rule's page, with the values that the rule has come across."""

    at = LocalMoment("Moment", render_kw={"step": 1})
    value = OpenSelect("Value", "The one that is worst now", validators=[at_most(200)])  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Say that the moment is needed; a page without one explains nothing."""
        super().__init__(*args, **kwargs)
        self.at.flags.required = True
