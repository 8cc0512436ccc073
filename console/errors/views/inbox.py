"""The inbox: the list of a project's issues, its filters, and the acts on many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Response, abort, flash, make_response, render_template, request, url_for

from console.accounts import releases
from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.errors import completion, queries, saved_views, trends, triage
from console.errors.forms import (
    AssignmentForm,
    CompletionForm,
    InboxFilter,
    MuteForm,
    ResolutionForm,
    SavedViewForm,
)
from console.errors.models import Issue
from console.errors.queries import Filter
from console.errors.ranking import RankedIssue, informed, ranking, shown_totals
from console.errors.trends import Trend
from console.errors.views import last_view
from console.errors.views.blueprint import bp, project_of_page, with_filters
from console.errors.views.event import event_url
from console.errors.views.saved_views import view_url
from console.telemetry.errors import Totals
from console.telemetry.scope import Scope
from console.web.filters import plural
from console.web.forms import sentence, valid
from console.web.htmx import go_to, is_htmx, panel, polled_part
from console.web.ids import counted, row_id
from console.web.paging import Numbered, numbered
from console.web.timerange import current_range, scoped_url

NEW = timedelta(days=1)  # how long an issue is marked as new
MOST_IDS = 500
MOST_PAGES = 40  # beyond so many, a filter finds what counting would take long for


@dataclass(frozen=True, slots=True)
class IssueListing:
    """What the list of the inbox shows: each issue with its totals in the scope of the page."""

    form: InboxFilter
    page: Numbered[RankedIssue]
    issues: Sequence[Issue]
    totals: Mapping[int, Totals]
    trend: Trend
    complete: bool
    any_issue: bool
    reports_left_out: int

    @property
    def connect_url(self) -> str:
        """The page that explains how to send errors, for a project without any."""
        home = project_of_page()
        return url_for(
            "connect.connect", organization=home["organization"], project=home["project"]
        )

    @property
    def counted(self) -> str:
        """How many issues match, in words."""
        return (
            f"{self.page.count:,}+ issues"
            if not self.complete
            else plural(self.page.count, "issue")
        )

    def is_new(self, issue: Issue) -> bool:
        """Whether the issue was first seen recently enough to be marked as new."""
        return clock.now() - issue.first_seen < NEW

    def url(self, endpoint: str) -> str:
        """Where an act on the chosen issues is sent, with the list to come back to."""
        return with_filters(endpoint)


@bp.get("/")
@project_view("viewer")
def inbox(project: Project) -> Response:
    views = saved_views.of(project, me())
    if "view" in request.args:
        view = last_view.named(views)
        return go_to(view_url(view.query if view else ""))
    if not is_htmx():
        last_view.note(project, views)
    asked = _asked(project)
    event_id = asked[0].search.event_id
    if event_id and (url := event_url(project, event_id)):
        return go_to(url)
    listing, named = _listing(project, *asked), SavedViewForm()
    return polled_part(
        "errors/inbox.html", "errors/_issues.html", listing=listing, views=views, form=named
    )


@bp.get("/completions")
@project_view("viewer")
def completions(project: Project) -> Response:
    word = valid(CompletionForm(request.args)).word.data or ""
    offered = completion.completions(project, Scope.of(project, current_range()), word)
    back = (with_filters("errors.inbox"), "Back to the issues")
    return panel("errors/_completions.html", "Words of a search", back, completions=offered)


@bp.get("/volume")
@project_view("viewer")
def volume(project: Project) -> Response:
    _, by, scope = _asked(project)
    chart = trends.volume_chart(project, by, scope, current_range())
    back = (scoped_url("errors.inbox"), "Back to the issues")
    return panel("errors/_volume.html", "Events", back, chart=chart)


@bp.post("/resolution")
@project_view("member")
def resolve_chosen(project: Project) -> Response:
    form, issues = ResolutionForm(request.form), _chosen(project)
    triage.resolve(issues, by=me(), in_next_release=form.in_next_release.data)
    return _saved(project, issues, "resolved", undo=True)


@bp.post("/reopening")
@project_view("member")
def reopen_chosen(project: Project) -> Response:
    issues = _chosen(project)
    triage.reopen(issues, by=me())
    return _saved(project, issues, "reopened")


@bp.post("/mute")
@project_view("member")
def mute_chosen(project: Project) -> Response:
    form, issues = MuteForm(request.form), _chosen(project)
    if not form.validate():
        abort(422, sentence(form))
    triage.mute(issues, by=me(), **form.bounds)
    return _saved(project, issues, "muted", undo=True)


@bp.post("/assignment")
@project_view("member")
def assign_chosen(project: Project) -> Response:
    people = {person.email: person for person in queries.people(project)}
    form, issues = AssignmentForm(request.form).offer(list(people)), _chosen(project)
    if not form.validate():
        abort(422, sentence(form))
    to = people.get(form.assignee.data)
    triage.assign(issues, by=me(), to=to)
    return _saved(project, issues, f"assigned to {to.name}" if to else "assigned to no one")


def _listing(project: Project, form: InboxFilter, by: Filter, scope: Scope) -> IssueListing:
    number = counted("page", most=MOST_PAGES)
    ranked = ranking(project, by, scope, need=number * queries.PAGE + 1)
    page = numbered(ranked.rows, queries.PAGE)
    issues = queries.in_order(project, [row.issue_id for row in page.rows])
    return IssueListing(
        form=form,
        page=page,
        issues=issues,
        totals=shown_totals(by, scope, page.rows, issues),
        trend=trends.of_issues(project, issues, scope, current_range()),
        complete=ranked.complete,
        any_issue=bool(issues) or queries.has_issues(project),
        reports_left_out=queries.reports_left_out(project, by),
    )


def _asked(project: Project) -> tuple[InboxFilter, Filter, Scope]:
    """The filters of the page, and as values for the two stores."""
    people, shown = queries.people(project), current_range()
    form = InboxFilter(request.args).offer(people, releases.versions(project), me=me())
    form.q.render_kw = {"data-complete": scoped_url("errors.completions")}
    form = valid(form)
    scope = Scope.of(project, shown, release=form.chosen_release, terms=form.search.terms)
    by = form.asked(environment=scope.environment, since=scope.since, until=scope.until)
    by = replace(by, without_reports=form.leaves_out_reports)
    return form, informed(project, by, scope), scope


def _chosen(project: Project) -> list[Issue]:
    """The issues that a bulk form names; 422 for none, 404 if one of them does not exist."""
    ids = set(request.form.getlist("issue", type=row_id))
    if not 0 < len(ids) <= MOST_IDS:
        abort(422, f"Select between 1 and {MOST_IDS} issues first.")
    issues = list(queries.chosen(project, ids))
    if len(issues) != len(ids):
        abort(404)
    return issues


def _saved(project: Project, issues: list[Issue], verb: str, *, undo: bool = False) -> Response:
    ids = [issue.id for issue in issues]
    db.session.commit()
    sentence = f"{plural(len(ids), 'issue')} {verb}."
    if not is_htmx():
        flash(sentence, "good")
        return go_to(with_filters("errors.inbox"))
    return make_response(
        render_template(
            "errors/_issues_saved.html",
            listing=_listing(project, *_asked(project)),
            said=sentence,
            undo=ids if undo else [],
        )
    )
