"""Memberships: how people get in, change roles and leave; the last owner stays."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, select

from console.accounts import people
from console.accounts.handed_out import handed_out_by
from console.accounts.models import Invitation, Membership, Organization, Role, User
from console.core import audit, clock
from console.core.crypto import Token, hash_of, new_token
from console.core.db import db
from console.core.tenancy import bearer

INVITATION_LASTS = timedelta(days=7)


class LastOwner(ValueError):
    """The change would leave an organization without an owner."""


def invite(email: str, role: Role, *, by: User) -> tuple[Invitation, str]:
    """Offer a membership; return it with its link's token, which is not kept. No commit."""
    for earlier in open_invitations():
        if earlier.email == email:
            earlier.revoked_at = clock.now()
    token, stored = new_token(Token.INVITATION)
    invitation = Invitation(
        hash=stored,
        email=email,
        role=role,
        invited_by_id=by.id,
        expires_at=clock.now() + INVITATION_LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    audit.record("member.invited", email, role=role)
    return invitation, token


def open_invitations() -> list[Invitation]:
    """The invitations that may still be accepted, newest first."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
            .where(Invitation.expires_at > clock.now())
            .order_by(Invitation.id.desc())
        )
    )


def invitation_of(token: str) -> Invitation | None:
    """The invitation of a link's token, unless it was accepted, withdrawn or has expired."""
    with bearer(Invitation, hash_of(token)):
        return db.session.scalar(
            select(Invitation)
            .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
            .where(Invitation.expires_at > clock.now())
        )


def accept(invitation: Invitation, user: User) -> bool:
    """Make the person a member, inside the organization's Session; False if they were too late.

    A person who is a member already keeps their role. The caller commits.
    """
    db.session.refresh(invitation, with_for_update=True)
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        return False
    invitation.accepted_at = clock.now()
    if db.session.scalar(select(Membership).where(Membership.user_id == user.id)) is None:
        db.session.add(Membership(user_id=user.id, role=invitation.role))
        audit.record("member.joined", user.email, actor=user.email, role=invitation.role)
    return True


def change_role(
    membership: Membership,
    role: Role,
    *,
    kept: Collection[int] = (),
    ended: Collection[tuple[str, int]] = (),
) -> None:
    """Give a member another role; raises LastOwner. The caller commits.

    A lower one ends the person's open invitations and tokens, but for the tokens that are `kept`,
    and what they handed out that is in `ended`.
    """
    if role is not Role.OWNER:
        _keep_an_owner(membership)
    email = membership.user.email
    audit.record("member.role_changed", email, before=membership.role, after=role)
    if not role.may(membership.role):
        handed_out = handed_out_by(membership.user_id, role)
        handed_out.end(kept=kept, ended=ended, because=f"{email} became {role}")
    membership.role = role


def remove(
    membership: Membership,
    *,
    kept: Collection[int] = (),
    ended: Collection[tuple[str, int]] = (),
) -> None:
    """End a membership with the person's open invitations and tokens, but for those `kept`.

    What else they handed out goes on, but for what is in `ended`. Raises LastOwner. The caller
    commits.
    """
    _keep_an_owner(membership)
    email = membership.user.email
    audit.record("member.removed", email, role=membership.role)
    handed_out = handed_out_by(membership.user_id)
    handed_out.end(kept=kept, ended=ended, because=f"{email} was removed")
    people.left(membership)
    db.session.delete(membership)


def hold_organization(organization_id: int) -> None:
    """Let nobody else change its members until the transaction ends."""
    db.session.get(Organization, organization_id, with_for_update=True)


def _keep_an_owner(membership: Membership) -> None:
    """Raise LastOwner for the only owner; hold the organization, so that no two go at once."""
    hold_organization(membership.organization_id)
    # Read again: whoever locked the organization before may have made the person an owner.
    role = db.session.scalar(select(Membership.role).where(Membership.id == membership.id))
    owners = select(func.count()).select_from(Membership).where(Membership.role == Role.OWNER)
    if role is Role.OWNER and db.session.scalar(owners) == 1:
        raise LastOwner("An organization needs an owner: make someone else an owner first.")
