"""The list of silences, the page of one with what it hid, and the form for a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting import queries
from console.alerting import silences as domain
from console.alerting.models import Rule, Silence
from console.alerting.silence_forms import SilencePageForm, SilencesFilter
from console.alerting.silences import Hidden, Hours, SilenceState, Spell
from console.alerting.views.blueprint import bp
from console.core import clock
from console.core.db import db
from console.core.paging import Page
from console.web.forms import mark, valid
from console.web.htmx import go_to, page_or_part, part_or_redirect, polled_part
from console.web.nav import NavItem, nav_entry
from console.web.timerange import scoped_url

PER_PAGE = 30
NEXT = 4
nav_entry(
    bp,
    NavItem(
        "Silences", icon="bell-off", endpoint="alerting.silences", group="Alerts", order=35, key="q"
    ),
)


@dataclass(frozen=True, slots=True)
class ListedSilences:
    """One page of the list of silences, with the names of their rules."""

    form: SilencesFilter
    page: Page[Silence]
    rules: dict[int, str]

    def waits(self, silence: Silence) -> bool:
        """Whether it lasts, and holds nothing back at this moment."""
        lasts = domain.state_of(silence) is SilenceState.ACTIVE
        return lasts and not domain.is_active(silence, clock.now())


@dataclass(frozen=True, slots=True)
class SilenceDetails:
    """A silence with its rule, the next times it holds, and what it hid."""

    silence: Silence
    state: SilenceState
    rule: Rule | None
    holds: bool
    """Whether it holds messages back at this moment."""
    spells: Sequence[Spell]
    hidden: Sequence[Hidden]


@bp.get("/silences/", endpoint="silences")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(SilencesFilter(request.args))
    state = SilenceState(form.state.data)
    page = domain.listed(project, state, request.args.get("cursor", ""), PER_PAGE)
    ids = {silence.rule_id for silence in page.rows if silence.rule_id}
    listed = ListedSilences(form, page, queries.names_of_rules(project, ids))
    return polled_part("alerting/silences.html", "alerting/_silences.html", listed=listed)


@bp.get("/silences/new", endpoint="new_silence")
@project_view("member")
def new(project: Project) -> Response:
    return _form(_offered(project, SilencePageForm(request.args)))


@bp.post("/silences/", endpoint="make_silence")
@project_view("member")
def make(project: Project) -> Response:
    form = _offered(project, SilencePageForm(request.form))
    if "find-rule" in request.form:
        return _form(form)
    if not form.validate():
        return _form(form, status=422)
    if "look" in request.form:
        return _form(form, spells=form.next_spells)
    if domain.is_full(project):
        mark(form, "reason", domain.FULL)
        return _form(form, status=422)
    rule = queries.rule_or_404(project, form.chosen_rule) if form.chosen_rule else None
    silence = domain.begin(
        project,
        form.reason.data or "",
        form.spell,
        form.hours,
        rule=rule,
        value=form.value.data or "",
        by=me(),
    )
    db.session.commit()
    return go_to(scoped_url("alerting.silence", silence_id=silence.id))


@bp.get("/silences/<id:silence_id>", endpoint="silence")
@project_view("viewer")
def silence(project: Project, silence_id: int) -> Response:
    details = _details(project, domain.silence_or_404(project, silence_id))
    return polled_part("alerting/silence.html", "alerting/_silence.html", details=details)


@bp.post("/silences/<id:silence_id>/end", endpoint="end_silence")
@project_view("member")
def end(project: Project, silence_id: int) -> Response:
    silence_ = domain.silence_or_404(project, silence_id)
    domain.end(silence_, by=me())
    db.session.commit()
    return part_or_redirect(
        "alerting/_silence.html",
        "alerting.silence",
        {"silence_id": silence_.id},
        details=_details(project, silence_),
    )


def _offered(project: Project, form: SilencePageForm) -> SilencePageForm:
    """The form with the rules that match its search."""
    names = queries.names(project, form.rule.data or "", form.sought)
    form.count, form.listed = names.count, len(names.options)
    return form.offer(names.options)


def _form(form: SilencePageForm, *, status: int = 200, spells: Sequence[Spell] = ()) -> Response:
    part = "alerting/_silence_form.html"
    return page_or_part("alerting/new_silence.html", part, status=status, form=form, spells=spells)


def _details(project: Project, silence_: Silence) -> SilenceDetails:
    hours = Hours(silence_.cron, silence_.zone, silence_.minutes)
    since = max(silence_.starts_at, clock.now())
    return SilenceDetails(
        silence=silence_,
        state=domain.state_of(silence_),
        rule=queries.rule_or_404(project, silence_.rule_id) if silence_.rule_id else None,
        holds=domain.is_active(silence_, clock.now()),
        spells=domain.spells(hours, since, silence_.ends_at, NEXT),
        hidden=domain.hidden_by(silence_),
    )
