"""The list of incidents, the page of one, and what people do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Response, abort, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting import changes, queries
from console.alerting import incidents as domain
from console.alerting.course import Course, course
from console.alerting.definition import Definition
from console.alerting.escalation import running
from console.alerting.escalation.standings import EscalationStanding, standings
from console.alerting.incident_forms import (
    AssessmentForm,
    IncidentsFilter,
    NoteForm,
    SnoozeForm,
)
from console.alerting.leads import number_over, rows_behind
from console.alerting.models import Assessment, Incident, IncidentEvent, IncidentVerb, Rule
from console.alerting.views.blueprint import actor, bp
from console.alerting.wording import sentence
from console.core import clock
from console.core.db import db
from console.web.charts import Span
from console.web.forms import mark, valid
from console.web.htmx import page_or_part, panel, part_or_redirect, polled_part
from console.web.timerange import current_range, scoped_url

PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class IncidentDetails:
    """An incident with its rule, its history, and the course of its number around it."""

    incident: Incident
    rule: Rule | None
    history: Sequence[IncidentEvent]
    course: Course | None
    note_form: NoteForm
    snooze_form: SnoozeForm
    standing: EscalationStanding
    definition: Definition | None = None
    """Its rule as it was then."""

    @property
    def sentence(self) -> str:
        """When its rule fires, in words."""
        if self.incident.watch:
            return "The console watches its own alerting: no rule does."
        return sentence(self.definition) if self.definition else "The rule was deleted."


@bp.get("/incidents/", endpoint="incidents")
@project_view("viewer")
def listing(project: Project) -> Response:
    offered = queries.names_with_incidents(project, request.args.get("rule", ""))
    form, shown = IncidentsFilter(request.args).offer(offered), current_range()
    by = valid(form).filter(
        environment=shown.environment, since=shown.since, until=None if shown.name else shown.until
    )
    listed = queries.incidents(project, by, request.args.get("cursor", ""), PER_PAGE)
    return polled_part(
        "alerting/incidents.html", "alerting/_incidents.html", listed=listed, form=form
    )


@bp.get("/incidents/<id:incident_id>", endpoint="incident")
@project_view("viewer")
def incident(project: Project, incident_id: int) -> Response:
    details = _details(project, queries.incident_or_404(project, incident_id))
    return polled_part("alerting/incident.html", "alerting/_incident.html", details=details)


@bp.get("/incidents/<id:incident_id>/context", endpoint="incident_context")
@project_view("viewer")
def context(project: Project, incident_id: int) -> Response:
    """What changed before it began, and where its number comes from."""
    incident_ = queries.incident_or_404(project, incident_id)
    if incident_.watch:  # the console's own: nothing of the project has led to it
        abort(404)
    rule = _rule(incident_)
    around = changes.context(project, incident_, rule, clock.now())
    definition = rule.definition if rule else None
    span = around.since, around.until
    moved = around.moved
    return panel(
        "alerting/_context.html",
        incident_.title,
        (scoped_url("alerting.incident", incident_id=incident_.id), "Back to the incident"),
        around=around,
        rows=rows_behind(definition, incident_.value, *span) if definition else None,
        moved_url=number_over(definition, *span, only=(moved.dimension, moved.value))
        if definition and moved
        else "",
    )


@bp.post("/incidents/<id:incident_id>/acknowledgement")
@project_view("member")
def acknowledge(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    domain.acknowledge(incident_, by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/resolution", endpoint="resolve_incident")
@project_view("member")
def resolve(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    domain.resolve(incident_, by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/snooze")
@project_view("member")
def snooze(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    form = SnoozeForm(request.form)
    if not form.validate():
        return _refused(project, incident_, snooze_form=form)
    if domain.is_full(incident_, IncidentVerb.SNOOZED):
        mark(form, "minutes", domain.FULL[IncidentVerb.SNOOZED])
        return _refused(project, incident_, snooze_form=form)
    until = clock.now() + timedelta(minutes=int(form.minutes.data))
    domain.snooze(incident_, until, by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/policy-version", endpoint="move_to_policy_version")
@project_view("member")
def move(project: Project, incident_id: int) -> Response:
    """Let it be escalated by its policy's latest version from now on."""
    incident_ = queries.incident_or_404(project, incident_id)
    running.move_to_latest(incident_, by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/assessment")
@project_view("member")
def assess(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    form = AssessmentForm(request.form)
    if not form.validate():
        abort(422)
    domain.assess(incident_, Assessment(form.assessment.data), by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/notes")
@project_view("member")
def note(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    form = NoteForm(request.form)
    if not form.validate():
        return _refused(project, incident_, note_form=form)
    if domain.is_full(incident_, IncidentVerb.NOTED):
        mark(form, "text", domain.FULL[IncidentVerb.NOTED])
        return _refused(project, incident_, note_form=form)
    domain.note(incident_, form.text.data or "", by=actor())
    return _saved(project, incident_)


def _details(
    project: Project,
    incident_: Incident,
    note_form: NoteForm | None = None,
    snooze_form: SnoozeForm | None = None,
) -> IncidentDetails:
    rule = _rule(incident_)
    then = queries.document_then(rule, incident_.rule_version) if rule else None
    definition = Definition.of(then) if then else None
    return IncidentDetails(
        incident=incident_,
        rule=rule,
        history=queries.history(incident_),
        definition=definition,
        course=_course(project, rule, incident_, definition) if rule else None,
        note_form=note_form or NoteForm(),
        snooze_form=snooze_form or SnoozeForm(),
        standing=standings([incident_])[incident_.id],
    )


def _course(
    project: Project, rule: Rule, incident_: Incident, definition: Definition | None
) -> Course | None:
    """The number of its rule around the incident, whose time is shaded."""
    span = Span(incident_.breached_at, incident_.resolved_at or clock.now())
    since, until = span.since - timedelta(hours=1), span.until + timedelta(minutes=15)
    own = course(project, rule, since, until, incident_.value, definition)
    return replace(own, chart=replace(own.chart, spans=(span,))) if own else None


def _rule(incident_: Incident) -> Rule | None:
    return db.session.get(Rule, incident_.rule_id) if incident_.rule_id else None


def _saved(project: Project, incident_: Incident) -> Response:
    db.session.commit()
    return part_or_redirect(
        "alerting/_incident.html",
        "alerting.incident",
        {"incident_id": incident_.id},
        details=_details(project, incident_),
    )


def _refused(project: Project, incident_: Incident, **forms: object) -> Response:
    details = _details(project, incident_, **forms)  # type: ignore[arg-type]
    return page_or_part(
        "alerting/incident.html", "alerting/_incident.html", status=422, details=details
    )
