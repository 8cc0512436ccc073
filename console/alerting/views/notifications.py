"""How the person who looks is notified of an organization's incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, request, url_for

from console.accounts.access import me, organization_view
from console.accounts.models import Organization
from console.alerting.delivery import preferences
from console.alerting.delivery.models import SlackAccount
from console.alerting.preference_forms import PreferencesForm
from console.channels.way import way
from console.core.db import db
from console.web.htmx import go_to, page_or_part
from console.web.nav import TabItem, stay_in_project, tab_entry

bp = Blueprint("notifications", __name__, url_prefix="/<slug:organization>/settings/notifications")
stay_in_project(bp)
tab_entry(bp, TabItem("My notifications", "notifications.notifications", "organization", 50))


@dataclass(frozen=True, slots=True)
class OwnNotifications:
    """What a person has chosen, and what they should know."""

    form: PreferencesForm
    accounts: Sequence[SlackAccount]
    can_link: bool
    """Whether Slack users can be linked here: a channel takes what people press."""
    nobody: bool
    """Whether no owner gets mails."""
    mails: bool


@bp.get("/")
@organization_view("viewer")
def notifications(organization: Organization) -> Response:
    del organization  # the page's shell has it
    return _answer(PreferencesForm.showing(preferences.of(me().id)))


@bp.post("/")
@organization_view("viewer")
def change(organization: Organization) -> Response:
    form = PreferencesForm(request.form)
    if not form.validate():
        return _answer(form, status=422)
    former = preferences.of(me().id)
    preferences.save(me().id, form.preferences(former))
    db.session.commit()
    return _saved(organization)


@bp.post("/slack/<id:account_id>/removal")
@organization_view("viewer")
def unlink(organization: Organization, account_id: int) -> Response:
    """Forget that a Slack user is this person."""
    preferences.unlink(me().id, account_id)
    db.session.commit()
    return _saved(organization)


def _saved(organization: Organization) -> Response:
    flash("Saved.", "good")
    return go_to(url_for(".notifications", organization=organization.slug))


def _answer(form: PreferencesForm, *, status: int = 200) -> Response:
    gone, owners = preferences.owners_without_mail()
    shown = OwnNotifications(
        form=form,
        accounts=preferences.slack_accounts(me().id),
        can_link=preferences.can_link_slack(),
        nobody=len(gone) == owners > 0,
        mails=bool(way().smtp_url),
    )
    part = "alerting/_notifications.html"
    return page_or_part("alerting/notifications.html", part, status=status, shown=shown)
