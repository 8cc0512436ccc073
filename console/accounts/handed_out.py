"""Open invitations and API tokens that a member made and that would outlive their role."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import ApiToken, Invitation, Membership, Role, User
from console.core import audit, clock
from console.core.db import db


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A member's open invitations and working tokens, the latest first."""

    invitations: Sequence[Invitation]
    tokens: Sequence[ApiToken]

    def __bool__(self) -> bool:
        return bool(self.invitations or self.tokens)

    def end(self, *, kept: Collection[int], because: str) -> None:
        """End all of it but the tokens with these ids, each with its audit entry. No commit."""
        now = clock.now()
        for offer in self.invitations:
            offer.revoked_at = now
            audit.record("invitation.withdrawn", offer.email, because=because)
        for token in self.tokens:
            action = "token.kept" if token.id in kept else "token.revoked"
            if token.id not in kept:
                token.revoked_at = now
            audit.record(action, token.label, project=token.project.name, because=because)


def handed_out_by(user_id: int) -> HandedOut:
    """The invitations and tokens that a person made in this organization and that still work."""
    now = clock.now()
    offers = (
        select(Invitation)
        .where(Invitation.invited_by_id == user_id, Invitation.expires_at > now)
        .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    )
    tokens = (
        select(ApiToken)
        .where(ApiToken.created_by_id == user_id, ApiToken.revoked_at.is_(None))
        .where(or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now))
        .options(joinedload(ApiToken.project))
    )
    return HandedOut(
        db.session.scalars(offers.order_by(Invitation.id.desc())).all(),
        db.session.scalars(tokens.order_by(ApiToken.id.desc())).all(),
    )


def hold_membership(user: User, *needed: Role) -> bool:
    """Whether the person's role is still at least these; locks it until the transaction ends.

    Otherwise a removal or demotion at the same moment would miss what is being made here.
    """
    own = select(Membership.role).where(Membership.user_id == user.id).with_for_update(read=True)
    role = db.session.scalar(own)
    return role is not None and all(role.may(least) for least in needed)
