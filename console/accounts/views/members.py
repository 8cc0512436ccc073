"""The members of an organization, and the invitations that are open."""

from typing import Any
from urllib.parse import urljoin

from flask import (
    Response,
    abort,
    current_app,
    flash,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_login import current_user

from console.accounts import members as membership_rules
from console.accounts import queries
from console.accounts.access import current_shell, organization_view
from console.accounts.forms import InvitationForm, RoleForm, text
from console.accounts.handed_out import handed_out_by, hold_membership, kinds
from console.accounts.models import Membership, Organization, Role
from console.accounts.projects import console_url
from console.accounts.views.blueprint import bp, changed
from console.channels import email, smtp
from console.core import audit, clock
from console.core.config import config
from console.core.db import db
from console.web.htmx import go_to, page_or_part
from console.web.ids import row_id

MEMBER = "/<slug:organization>/settings/members/<id:membership_id>"
CONFIRMED = "confirmed"  # the form of a change that showed what it ends
PAGE, LIST = "accounts/members.html", "accounts/_members.html"


@bp.get("/<slug:organization>/settings/members")
@organization_view("viewer")
def members(organization: Organization) -> Response:
    return page_or_part(PAGE, LIST, **_shown(organization))


@bp.post("/<slug:organization>/settings/members/invitations")
@organization_view("admin")
def invite(organization: Organization) -> Response:
    """Make an invitation, mail it where mail is set up, and show its link once."""
    form = InvitationForm()
    if not form.validate():
        return page_or_part(PAGE, LIST, status=422, **_shown(organization, form=form))
    _refuse_more_than_own(form.role.data)
    if not hold_membership(current_user, Role.ADMIN, form.role.data):
        abort(404)
    offer, token = membership_rules.invite(text(form.email), form.role.data, by=current_user)
    link = urljoin(console_url(), url_for("accounts.invitation", token=token))
    invited = offer.email
    db.session.commit()
    mailed = _mail(link, invited, organization)
    shown = _shown(organization, link=link, invited=invited, mailed=mailed)
    return page_or_part(PAGE, LIST, **shown)


@bp.post("/<slug:organization>/settings/members/invitations/<id:invitation_id>/withdrawal")
@organization_view("admin")
def withdraw_invitation(organization: Organization, invitation_id: int) -> Response:
    offers = {offer.id: offer for offer in membership_rules.open_invitations()}
    offer = offers.get(invitation_id) or abort(404)
    offer.revoked_at = clock.now()
    audit.record("invitation.withdrawn", offer.email)
    db.session.commit()
    return _changed(organization, "The invitation was withdrawn.")


@bp.get(f"{MEMBER}/role")
@organization_view("admin")
def confirm_role(organization: Organization, membership_id: int) -> Response:
    """Ask before a lower role ends what the member handed out."""
    membership, role = _with_new_role(membership_id, request.args.get("role", ""))
    return _confirmation(organization, membership, role)


@bp.post(f"{MEMBER}/role")
@organization_view("admin")
def change_role(organization: Organization, membership_id: int) -> Response:
    membership_rules.hold_organization(organization.id)
    membership, role = _with_new_role(membership_id, request.form.get("role", ""))
    if not hold_membership(current_user, Role.ADMIN, role, membership.role):
        abort(404)
    ends = handed_out_by(membership.user_id, role) and not role.may(membership.role)
    try:
        membership_rules.change_role(membership, role, kept=_kept(), ended=_ended())
    except membership_rules.LastOwner as error:
        return _refused(organization, str(error))
    if ends and CONFIRMED not in request.form:
        return _ask_first(".confirm_role", organization, membership_id, role=role)
    db.session.commit()
    return _changed(organization, "The role was changed.")


@bp.get(f"{MEMBER}/removal")
@organization_view("viewer")
def confirm_removal(organization: Organization, membership_id: int) -> Response:
    """Ask before a removal ends what the member handed out."""
    return _confirmation(organization, _removable(membership_id), None)


@bp.post(f"{MEMBER}/removal")
@organization_view("viewer")
def remove_member(organization: Organization, membership_id: int) -> Response:
    """Remove a member; anybody may remove themselves."""
    membership_rules.hold_organization(organization.id)
    membership = _removable(membership_id)
    leaving = membership.user_id == current_user.id
    if not leaving and not hold_membership(current_user, Role.ADMIN, membership.role):
        abort(404)
    ends = handed_out_by(membership.user_id)
    try:
        membership_rules.remove(membership, kept=_kept(), ended=_ended())
    except membership_rules.LastOwner as error:
        return _refused(organization, str(error))
    if ends and CONFIRMED not in request.form:
        return _ask_first(".confirm_removal", organization, membership_id)
    db.session.commit()
    if leaving:
        flash(f"You left {organization.name}.", "good")
        return go_to(url_for("accounts.organizations"))
    return _changed(organization, "The member was removed.")


def _with_new_role(membership_id: int, name: str) -> tuple[Membership, Role]:
    membership = queries.membership_or_404(membership_id)
    if name not in list(Role):
        abort(400, "Unknown role.")
    _refuse_more_than_own(Role(name), membership.role)
    return membership, Role(name)


def _removable(membership_id: int) -> Membership:
    membership = queries.membership_or_404(membership_id)
    if membership.user_id != current_user.id:
        _refuse_more_than_own(Role.ADMIN, membership.role)
    return membership


def _may_keep() -> bool:
    """Whether the person may leave a token working: only people who may make tokens."""
    own = current_shell().role
    return own is not None and own.may(Role.ADMIN)


def _kept() -> set[int]:
    """The tokens that were shown and not chosen for revocation; others are revoked."""
    if not _may_keep():
        return set()
    shown, revoked = (request.form.getlist(name, type=row_id) for name in ("shown", "revoke"))
    return set(shown) - set(revoked)


def _ended() -> set[tuple[str, int]]:
    """The things of features that were chosen to end, by kind and id; others may rely on them."""
    chosen = {kind.name: request.form.getlist(f"end-{kind.name}", type=row_id) for kind in kinds()}
    return {(name, own) for name, ids in chosen.items() for own in ids}


def _ask_first(view: str, organization: Organization, membership_id: int, **more: Any) -> Response:
    """Take the change back and show what it would end."""
    slug = organization.slug
    db.session.rollback()
    return go_to(url_for(view, organization=slug, membership_id=membership_id, **more))


def _confirmation(
    organization: Organization, membership: Membership, role: Role | None
) -> Response:
    page = render_template(
        "accounts/member_change.html",
        organization=organization,
        membership=membership,
        role=role,
        handed_out=handed_out_by(membership.user_id, role),
        kinds=kinds(),
        leaving=membership.user_id == current_user.id,
        may_keep=_may_keep(),
        now=clock.now(),
    )
    return make_response(page)


def _refuse_more_than_own(*roles: Role) -> None:
    """Answer 403 to a person who gives, changes or takes a role above their own."""
    own = current_shell().role
    if own is None or not all(own.may(role) for role in roles):
        abort(403, "Only someone with this role or a higher one can do this.")


def _mail(link: str, to: str, organization: Organization) -> bool:
    """Send the link where mail is set up; whether it went out."""
    settings = config()
    if not settings.smtp_url or not settings.base_url:  # nobody is led to where a header says
        return False
    message = email.Mail(
        to=to,
        subject=f"{current_user.name} invites you to {organization.name} on Pharos",
        text=render_template(
            "accounts/invitation_mail.txt", link=link, organization=organization, by=current_user
        ),
    )
    try:
        email.send(message, smtp_url=settings.smtp_url, sender=settings.mail_from)
    except smtp.MailError as error:
        current_app.logger.warning("an invitation was not mailed: %s", error)
        return False
    return True


def _changed(organization: Organization, note: str) -> Response:
    values = {"organization": organization.slug}
    return changed(LIST, ".members", note, values, **_shown(organization))


def _refused(organization: Organization, problem: str) -> Response:
    db.session.rollback()
    return page_or_part(PAGE, LIST, status=422, **_shown(organization, problem=problem))


def _shown(
    organization: Organization, *, form: InvitationForm | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "organization": organization,
        "memberships": queries.memberships(),
        "invitations": membership_rules.open_invitations(),
        "form": form or InvitationForm(formdata=None),
        "role_form": RoleForm(formdata=None),
        **more,
    }
