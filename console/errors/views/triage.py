"""What people do with one issue: resolve, reopen, mute, assign, comment."""

from flask import Response, make_response, render_template, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.errors import queries, triage
from console.errors.events import Events
from console.errors.forms import AssignmentForm, CommentForm, MuteForm, ResolutionForm
from console.errors.models import Issue
from console.errors.views.blueprint import bp
from console.errors.views.narrowing import issue_url, narrowing
from console.errors.views.summary import Summary, summary
from console.telemetry.scope import Scope
from console.web.htmx import go_to, is_htmx, page_or_part
from console.web.timerange import current_range


@bp.post("/<id:issue_id>/resolution")
@project_view("member")
def resolve(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    form = ResolutionForm(request.form)
    triage.resolve([issue], by=me(), in_next_release=form.in_next_release.data)
    return _saved(project, issue)


@bp.post("/<id:issue_id>/reopening")
@project_view("member")
def reopen(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    triage.reopen([issue], by=me())
    return _saved(project, issue)


@bp.post("/<id:issue_id>/mute")
@project_view("member")
def mute(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    form = MuteForm(request.form)
    if not form.validate():
        return _refused(summary(_events(project, issue), mute_form=form))
    triage.mute([issue], by=me(), **form.bounds)
    return _saved(project, issue)


@bp.post("/<id:issue_id>/assignment")
@project_view("member")
def assign(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    people = {person.email: person for person in queries.people(project)}
    form = AssignmentForm(request.form).offer(list(people))
    if not form.validate():
        return _refused(summary(_events(project, issue), assignment_form=form))
    triage.assign([issue], by=me(), to=people.get(form.assignee.data))
    return _saved(project, issue)


@bp.post("/<id:issue_id>/comments")
@project_view("member")
def comment(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    form = CommentForm(request.form)
    if not form.validate():
        return page_or_part(
            "errors/comment.html",
            "errors/_activity.html",
            status=422,
            issue=issue,
            history=queries.history(issue),
            form=form,
        )
    triage.comment(issue, form.text.data or "", by=me())
    db.session.commit()
    if is_htmx():
        return page_or_part(
            "errors/comment.html",
            "errors/_activity.html",
            issue=issue,
            history=queries.history(issue),
            form=CommentForm(),
        )
    return go_to(issue_url("errors.issue", issue_id=issue.id, _anchor="activity"))


def _saved(project: Project, issue: Issue) -> Response:
    db.session.commit()
    if not is_htmx():
        return go_to(issue_url("errors.issue", issue_id=issue.id))
    issue = queries.issue_or_404(project, issue.id)
    return make_response(
        render_template(
            "errors/_triaged.html",
            summary=summary(_events(project, issue)),
            issue=issue,
            history=queries.history(issue),
            form=CommentForm(),
        )
    )


def _events(project: Project, issue: Issue) -> Events:
    scope = Scope.of(project, current_range(), facts=narrowing().facts)
    return Events.of(project, issue, scope)


def _refused(head: Summary) -> Response:
    """The issue's head again, with the error beside the field."""
    return page_or_part("errors/refused.html", "errors/_summary.html", status=422, summary=head)
