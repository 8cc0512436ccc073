"""A rule is made and changed: its form, with a preview of what it would have done."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, abort, request
from wtforms import Field

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting import queries, signal
from console.alerting import rules as domain
from console.alerting.definition import Definition
from console.alerting.editor.curve import Curve
from console.alerting.editor.forms import EditorForm
from console.alerting.editor.past import Assessed, past, settled_otherwise, summary
from console.alerting.editor.picture import Picture, Time, drawn
from console.alerting.editor.preview import (
    Preview,
    Watched,
    lasting,
    previewed,
    swept,
    watch,
)
from console.alerting.editor.steps import about_weekly
from console.alerting.models import Rule
from console.alerting.views import composite
from console.alerting.views.blueprint import bp
from console.core.db import begin_to_write, db, reading_first
from console.metrics.known import known_values
from console.telemetry.measures import CannotAskError
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part
from console.web.timerange import environments, scoped_url

WEEKLY = "weekly"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Slider:
    """A number of a draft: its field, and the steps that it can be moved along."""

    field: Field
    steps: Sequence[float] = ()
    place: int = 0
    text: str = ""

    @property
    def name(self) -> str:
        """What scripts call it: critical, warning, recovery or pending_seconds."""
        return str(self.field.name).removeprefix("levels.")

    @property
    def numbers(self) -> str:
        """The numbers of all steps, as the form sends them back."""
        return " ".join(f"{step:.12g}" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule that is being made or changed, and what it would have done if its form is valid."""

    form: EditorForm
    rule: Rule | None
    preview: Preview | None = None
    picture: Picture | None = None
    past: Sequence[Assessed] = ()

    @property
    def compared(self) -> str:
        """How many incidents of the past it hits, misses, and so on."""
        return summary(self.past)

    def url(self, time: Time) -> str:
        """Where the metric can be seen in a time, from an hour before it on."""
        assert time.since is not None
        assert time.until is not None
        here = request.view_args or {}
        narrowed = next(iter(self.form.where.data.items()), None)
        return scoped_url(
            "metrics.metrics",
            organization=here["organization"],
            project=here["project"],
            metric=self.form.metric.data,
            only=narrowed[0] if narrowed else None,
            value=narrowed[1][0] if narrowed else None,
            since=(time.since - HOUR).isoformat(),
            until=(time.until + HOUR / 4).isoformat(),
        )

    @property
    def sliders(self) -> Iterator[Slider]:
        """The numbers with a slider; without a preview they have no steps."""
        form, levels = self.form, self.form.levels.form
        for field in (levels.critical, levels.warning, form.recovery, form.pending_seconds):
            if self.preview is None:
                yield Slider(field)
                continue
            curve, condition = self.preview.curve, self.preview.definition.condition
            is_time = field is form.pending_seconds
            steps = curve.pendings if is_time else curve.levels
            usual = condition.pending_seconds if is_time else condition.clear_level
            number = usual if field.data is None else field.data
            text = lasting(number) if is_time else condition.words(number)
            place = min(bisect_left(steps, number), len(steps) - 1)
            yield Slider(field, steps, place, "none" if field.data is None else text)


@bp.get("/rules/new", endpoint="new_rule")
@project_view("viewer")
def new(project: Project) -> Response:
    return _page(
        project,
        _drafted(project, EditorForm.suggested(request.args, project.monitoring.api_p95_ms), None),
    )


@bp.get("/rules/<id:rule_id>/edit", endpoint="edit_rule")
@project_view("viewer")
def edit(project: Project, rule_id: int) -> Response:
    rule = queries.rule_or_404(project, rule_id)
    if rule.definition.members:
        return composite.edited(project, rule)
    return _page(project, _drafted(project, EditorForm.of(rule), rule))


@bp.post("/rules/draft")
@reading_first
@project_view("viewer")
def draft(project: Project) -> Response:
    return _page(project, _drafted(project, EditorForm.sent(request.form), None))


@bp.post("/rules/<id:rule_id>/draft")
@reading_first
@project_view("viewer")
def draft_of(project: Project, rule_id: int) -> Response:
    rule = _edited_or_404(project, rule_id)
    return _page(project, _drafted(project, EditorForm.sent(request.form), rule))


@bp.post("/rules/", endpoint="create_rule")
@reading_first
@project_view("member")
def create(project: Project) -> Response:
    drafted = _to_save(project, None)
    form, preview = drafted.form, drafted.preview
    if preview is None:
        return _page(project, drafted)
    begin_to_write()
    if _is_misnamed(project, form, None):
        return _page(project, Draft(form, None))
    rule = domain.create(
        project,
        form.name.data or "",
        form.definition,
        by=me(),
        backtest=preview.document,
        **form.fields,
    )
    db.session.commit()
    return go_to(scoped_url("alerting.rule", rule_id=rule.id))


@bp.post("/rules/<id:rule_id>/versions", endpoint="save_rule")
@reading_first
@project_view("member")
def save(project: Project, rule_id: int) -> Response:
    rule = queries.rule_or_404(project, rule_id)
    if rule.definition.members:
        return composite.saved(project, rule)
    drafted = _to_save(project, rule)
    form, preview = drafted.form, drafted.preview
    if preview is None:
        return _page(project, drafted)
    begin_to_write()
    rule = queries.rule_or_404(project, rule_id)
    if _is_misnamed(project, form, rule):
        return _page(project, Draft(form, rule))
    fields = form.fields
    rule.name = form.name.data or ""
    for name in ("severity", "tags", "shadow"):
        setattr(rule, name, fields[name])
    domain.change(rule, form.definition, by=me(), backtest=preview.document)
    domain.switch(rule, on=fields["enabled"], by=me())
    db.session.commit()
    return go_to(scoped_url("alerting.rule", rule_id=rule.id))


def _edited_or_404(project: Project, rule_id: int) -> Rule:
    """The rule, unless it is made of other rules: it has no curve to preview."""
    rule = queries.rule_or_404(project, rule_id)
    return rule if not rule.definition.members else abort(404)


def _to_save(project: Project, rule: Rule | None) -> Draft:
    """The draft of a request; it has no preview if it cannot be saved."""
    form = EditorForm.sent(request.form)
    drafted = _drafted(project, form, rule, suggests=False)
    return Draft(form, rule) if _is_misnamed(project, form, rule) else drafted


def _is_misnamed(project: Project, form: EditorForm, rule: Rule | None) -> bool:
    """Whether the rule cannot have the form's name, which is marked then."""
    fault = queries.fault_of(project, form.name.data or "", rule)
    if fault:
        mark(form, "name", fault)
    return bool(fault)


def _drafted(
    project: Project, form: EditorForm, rule: Rule | None, *, suggests: bool = True
) -> Draft:
    saved = rule.definition if rule else None
    form.offer(environments(project))
    watched = _watched(project, form, suggests=suggests)
    if watched is None:
        return Draft(form, rule)
    definition = form.definition
    preview = previewed(watched, definition, saved)
    if request.form.get("pick") == WEEKLY:
        form.set_least(definition, *_weekly(watched, definition, preview.curve))
        preview = previewed(watched, form.definition, saved)
    incidents = past(
        project, rule, definition.metric, watched.since, watched.until, preview.replays
    )
    late = settled_otherwise(rule, watched.since, watched.until)
    return Draft(form, rule, preview, drawn(preview, saved, incidents, late), incidents)


def _watched(project: Project, form: EditorForm, *, suggests: bool) -> Watched | None:
    """The series of a valid form; otherwise its errors, and None.

    With `suggests`, a form without a level gets the one with about one incident a week.
    """
    suggests = suggests and form.is_without_level
    if suggests:
        form.set(critical=0.0)  # any level, for what is watched does not depend on it
    if not form.validate():
        return None
    try:
        watched = watch(project, form.definition, form.history.data)
    except (CannotAskError, signal.RangeTooLong) as error:
        mark(form, "metric", f"{error}.".replace("..", "."))
        return None
    if suggests:
        suggested = form.definition
        level, _ = _weekly(watched, suggested, swept(watched, suggested))
        form.set(critical=level)
    return watched


def _weekly(watched: Watched, definition: Definition, curve: Curve) -> tuple[float, float]:
    """The level and pending time that open about one incident a week."""
    seconds = watched.history.total_seconds()
    return about_weekly(curve, seconds, definition.condition.pending_seconds)


def _page(project: Project, drafted: Draft) -> Response:
    metric = drafted.form.chosen
    return page_or_part(
        "alerting/editor.html",
        "alerting/_editor.html",
        status=200 if drafted.preview is not None else 422,
        draft=drafted,
        known=known_values(project, metric) if metric else {},
    )
