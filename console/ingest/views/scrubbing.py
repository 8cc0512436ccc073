"""Which parts of a project's data are blanked before anything is stored, with a preview."""

from typing import Any

from flask import Blueprint, Response, flash

from console.accounts import queries as accounts
from console.accounts.access import project_view
from console.accounts.models import Project
from console.core import audit
from console.core.db import db
from console.ingest.forms import ScrubbingForm, lines
from console.ingest.scrub_preview import preview
from console.web.htmx import is_htmx, page_or_part, part_or_redirect
from console.web.nav import TabItem, tab_entry

PAGE, FORM = "ingest/scrubbing.html", "ingest/_scrubbing_form.html"
LISTS = ("scrub_keys", "scrub_patterns", "scrub_safe_keys")

bp = Blueprint(
    "scrubbing", __name__, url_prefix="/<slug:organization>/<slug:project>/settings/scrubbing"
)
tab_entry(bp, TabItem("Scrubbing", "scrubbing.scrubbing", "project", 40))


@bp.get("")
@project_view("viewer")
def scrubbing(project: Project) -> Response:
    settings = accounts.monitoring_of(project)
    form = ScrubbingForm(
        formdata=None,
        scrub_defaults=settings.scrub_defaults,
        ip_policy=settings.ip_policy,
        **{name: "\n".join(getattr(settings, name)) for name in LISTS},
    )
    return _page(project, form)


@bp.post("")
@project_view("admin")
def change_scrubbing(project: Project) -> Response:
    form = ScrubbingForm()
    if not form.validate():
        return _page(project, form, status=422)
    settings = accounts.monitoring_of(project)
    settings.scrub_defaults = form.scrub_defaults.data
    settings.ip_policy = form.ip_policy.data
    for name in LISTS:
        setattr(settings, name, lines(form[name]))
    audit.record("scrubbing.changed", project.name, defaults=settings.scrub_defaults)
    db.session.commit()
    note = "Saved. It counts for what arrives from now on."
    if not is_htmx():
        flash(note, "good")
    at = {"organization": project.organization.slug, "project": project.slug}
    return part_or_redirect(FORM, ".scrubbing", at, project=project, form=form, note=note)


@bp.post("/preview")
@project_view("viewer")
def preview_scrubbing(project: Project) -> Response:
    """What the rules of the form, saved or not, would blank in the sample."""
    form = ScrubbingForm()
    if not form.validate():
        return _page(project, form, status=422)
    return _page(project, form, replaced=preview(form.rules, form.example))


def _page(project: Project, form: ScrubbingForm, *, status: int = 200, **context: Any) -> Response:
    return page_or_part(PAGE, FORM, status=status, project=project, form=form, **context)
