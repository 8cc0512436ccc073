"""The form of the editor: a rule, the range of its preview, and sliders that set its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectField, StringField
from wtforms.validators import AnyOf

from console.alerting.condition import LEVELS
from console.alerting.definition import Definition
from console.alerting.editor.preview import RANGE_LABELS, USUAL_RANGE
from console.alerting.forms import RuleForm
from console.alerting.models import Rule
from console.metrics.catalogue import CATALOGUE, full_title
from console.metrics.forms import FIRST
from console.telemetry.metric import Metric
from console.web.api import fields
from console.web.choices import choices
from console.web.forms import OpenSelect, at_most, number_of

HANDLES = (*(f"levels.{level}" for level in reversed(LEVELS)), "recovery", "pending_seconds")
"""The fields that have a slider."""
LONGEST_NAME, LONGEST_RELEASE = 100, 200


class EditorForm(RuleForm):
    """A rule and the range of its preview.

    Each slider is sent as the number of its step, `step.recovery`, beside the step that it stood
    at, `was.recovery`, and the numbers of all steps, `steps.recovery`. One that was moved sets its
    field; scripts set the field itself and leave both steps equal.
    """

    history = SelectField(
        "Replayed over the last",
        [AnyOf([*RANGE_LABELS])],
        choices=choices(RANGE_LABELS.items()),
        default=USUAL_RANGE,
        validate_choice=False,
    )

    by = OpenSelect("An incident for each", "One incident for all")  # type: ignore[assignment]
    environment = OpenSelect("Environment", "Any", validators=[at_most(64)])  # type: ignore[assignment]

    release = StringField(
        "Release", [at_most(LONGEST_RELEASE)], render_kw={"list": "known-release"}
    )

    @classmethod
    def sent(cls, given: MultiDict[str, str]) -> Self:
        """The form as a browser sent it, with the sliders that were moved.

        Where another metric was chosen, what only the one before could be asked for is left out.
        """
        before = CATALOGUE.get(given.get("was.metric", ""))
        metric = CATALOGUE.get(given.get("metric", ""))
        if before and metric and before is not metric:
            return cls(MultiDict(_for_another(given, before, metric)))
        moved = dict(_moved(given))
        rest = [pair for pair in given.items(multi=True) if pair[0] not in moved]
        return cls(MultiDict([*rest, *moved.items()]))

    @classmethod
    def suggested(cls, asked: MultiDict[str, str], parameter: float) -> Self:
        """The form of a new rule: what a link says of it, and what suits its metric.

        `parameter` is for a metric that needs one, such as the threshold of Apdex.
        """
        metric = CATALOGUE.get(asked.get("metric", FIRST))
        suitable = {}
        if metric is not None:
            suitable = {
                "metric": metric.id,
                "op": _usual_op(metric),
                "name": _named(metric, asked),
                **{f"parameters.{own.name}": f"{parameter:g}" for own in metric.parameters},
            }
        missing = [pair for pair in suitable.items() if not asked.get(pair[0])]
        return cls(MultiDict([*asked.items(multi=True), *missing]))

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The form of a rule as it is saved."""
        kept = ("name", "severity", "tags", "shadow", "enabled")
        own = {name: getattr(rule, name) for name in kept}
        return cls(fields(rule.document | own))

    def offer(self, environments: Iterable[str]) -> None:
        """Offer the dimensions of the chosen metric, and the environments of the project."""
        dimensions = self.chosen.dimensions if self.chosen else ()
        self.by.offer((name, name.replace("_", " ").capitalize()) for name in dimensions)
        self.environment.offer((name, name) for name in environments)

    @property
    def is_without_level(self) -> bool:
        """Whether no level is filled in, so that the editor has to suggest one."""
        return all(field.data is None and not field.errors for field in self.levels.form)

    @property
    def chosen(self) -> Metric | None:
        """The metric, if there is one of that name."""
        return CATALOGUE.get(str(self.metric.data))

    def set(self, **numbers: float) -> None:
        """Put numbers into fields: `critical`, `warning`, `recovery` or `pending_seconds`."""
        for name, number in numbers.items():
            field: Field = self.levels.form[name] if name in LEVELS else self[name]
            field.data, field.raw_data = number, [f"{number:.12g}"]

    def set_least(self, definition: Definition, level: float, pending: float) -> None:
        """Let the level that opens incidents be another; what contradicts it goes along."""
        condition = definition.condition
        beyond = max if condition.op in (">", ">=") else min
        least, worst = condition.ordered[0], condition.ordered[-1]
        self.set(pending_seconds=pending, **{least.value: level})
        if worst is not least and beyond(condition.levels[worst], level) == level:
            self.levels.form[worst].data, self.levels.form[worst].raw_data = None, [""]
        if condition.recovery is not None and beyond(condition.recovery, level) != level:
            self.set(recovery=level)


def _named(metric: Metric, asked: Mapping[str, str]) -> str:
    """A name for a rule about a metric, with what it is narrowed to."""
    where = [value for name, value in asked.items() if name.startswith("where.")]
    parts = [full_title(metric), *(f"of {value}" for value in where)]
    return " ".join(parts)[:LONGEST_NAME].strip()


def _usual_op(metric: Metric) -> str:
    return "<" if metric.better == "higher" else ">"


def _for_another(
    given: MultiDict[str, str], before: Metric, metric: Metric
) -> Iterator[tuple[str, str]]:
    """What is left of a form when its metric changes: no level is right for another number."""
    numbers = ("recovery", "minimum_samples", "floor", "op")
    for name, value in given.items(multi=True):
        group, _, own = name.partition(".")
        if group in ("levels", "parameters") or name in numbers:
            continue
        if group == "where" and own not in metric.dimensions:
            continue
        if name == "by" and value not in metric.dimensions:
            continue
        if name == "name" and value.startswith(full_title(before)):
            yield name, _named(metric, given)
        else:
            yield name, value
    yield "op", _usual_op(metric)
    if metric.parameters and metric.parameters == before.parameters:
        yield from (pair for pair in given.items(multi=True) if pair[0].startswith("parameters."))


def _moved(given: MultiDict[str, str]) -> Iterator[tuple[str, str]]:
    """The names of fields whose slider was moved without a script, with their new numbers."""
    for name in HANDLES:
        step, before = given.get(f"step.{name}", ""), given.get(f"was.{name}", "")
        numbers = given.get(f"steps.{name}", "").split(" ")
        if step != before and step.isascii() and step.isdigit() and int(step) < len(numbers):
            number = number_of(numbers[int(step)])
            if number is not None:
                yield name, f"{number:.12g}"
