"""The list of incidents, the page of one, and what people do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting import incidents as domain
from console.alerting import queries
from console.alerting.course import Course, course
from console.alerting.forms import IncidentsFilter, NoteForm, SnoozeForm
from console.alerting.models import Incident, IncidentEvent, IncidentState, Rule
from console.alerting.views.blueprint import actor, bp
from console.alerting.wording import sentence
from console.core import clock
from console.core.db import db
from console.core.paging import Page
from console.web.forms import valid
from console.web.htmx import page_or_part, part_or_redirect, polled_part

PER_PAGE = 30
STATES: Mapping[str, Sequence[IncidentState]] = {
    "open": (IncidentState.OPEN, IncidentState.ACKNOWLEDGED),
    "resolved": (IncidentState.RESOLVED,),
    "all": tuple(IncidentState),
}


@dataclass(frozen=True, slots=True)
class IncidentDetails:
    """An incident with its rule, its history, and the course of its number around it."""

    incident: Incident
    rule: Rule | None
    history: Sequence[IncidentEvent]
    course: Course | None
    note_form: NoteForm
    snooze_form: SnoozeForm

    @property
    def sentence(self) -> str:
        """When its rule fires, in words."""
        return sentence(self.rule.definition) if self.rule else "The rule was deleted."


@bp.get("/incidents/", endpoint="incidents")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(IncidentsFilter(request.args))
    listed: Page[Incident] = queries.incidents(
        project, STATES[form.state.data], request.args.get("cursor", ""), PER_PAGE
    )
    return polled_part(
        "alerting/incidents.html", "alerting/_incidents.html", listed=listed, form=form
    )


@bp.get("/incidents/<id:incident_id>", endpoint="incident")
@project_view("viewer")
def incident(project: Project, incident_id: int) -> Response:
    details = _details(project, queries.incident_or_404(project, incident_id))
    return polled_part("alerting/incident.html", "alerting/_incident.html", details=details)


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
    until = clock.now() + timedelta(minutes=int(form.minutes.data))
    domain.snooze(incident_, until, by=actor())
    return _saved(project, incident_)


@bp.post("/incidents/<id:incident_id>/notes")
@project_view("member")
def note(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    form = NoteForm(request.form)
    if not form.validate():
        return _refused(project, incident_, note_form=form)
    domain.note(incident_, form.text.data or "", by=actor())
    return _saved(project, incident_)


def _details(
    project: Project,
    incident_: Incident,
    note_form: NoteForm | None = None,
    snooze_form: SnoozeForm | None = None,
) -> IncidentDetails:
    rule = db.session.get(Rule, incident_.rule_id) if incident_.rule_id else None
    since = incident_.opened_at - timedelta(hours=1)
    until = (incident_.resolved_at or clock.now()) + timedelta(minutes=15)
    return IncidentDetails(
        incident=incident_,
        rule=rule,
        history=queries.history(incident_),
        course=course(project, rule, since, until, incident_.value) if rule else None,
        note_form=note_form or NoteForm(),
        snooze_form=snooze_form or SnoozeForm(),
    )


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
