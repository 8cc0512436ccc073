"""What a member made that would outlive their role: invitations, tokens, and kinds of features."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import ApiToken, Invitation, Membership, Role, User
from console.core import audit, clock
from console.core.db import db

EXTENSION = "pharos.handed-out"


@dataclass(frozen=True, slots=True)
class Item:
    """Something that works on when its maker leaves: its name, where, and when it last worked."""

    id: int
    name: str
    place: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Something of a feature that members hand out, such as links to a dashboard."""

    name: str
    """Of the fields of the form, such as `links`."""
    title: str
    worked: str
    """What it did at `Item.at`: "opened", or "sent"."""
    note: str
    """What a chosen box ends, and what goes on without, in a sentence or two."""
    made_by: Callable[[int], Sequence[Item]]
    """What a person made in the Session's organization and still works, the latest first."""
    end: Callable[[int, str], None]
    """End the one with this id, with an audit entry that says why. No commit."""


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A member's open invitations and working tokens, and what features hand out; latest first."""

    invitations: Sequence[Invitation]
    tokens: Sequence[ApiToken]
    items: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    """By the name of the kind."""

    def __bool__(self) -> bool:
        return bool(self.invitations or self.tokens or any(self.items.values()))

    def end(
        self, *, kept: Collection[int], ended: Collection[tuple[str, int]] = (), because: str
    ) -> None:
        """End it, each with its audit entry, but for the tokens that are `kept`. No commit.

        Of the features' items, which others may rely on, only those in `ended` end: kind and id.
        """
        now = clock.now()
        for offer in self.invitations:
            offer.revoked_at = now
            audit.record("invitation.withdrawn", offer.email, because=because)
        for token in self.tokens:
            action = "token.kept" if token.id in kept else "token.revoked"
            if token.id not in kept:
                token.revoked_at = now
            audit.record(action, token.label, project=token.project.name, because=because)
        for kind in kinds():
            for item in self.items.get(kind.name, ()):
                if (kind.name, item.id) in ended:
                    kind.end(item.id, because)


def provide_kind(app: Flask, kind: Kind) -> None:
    """Let the page on which a member is removed offer to end these, too."""
    app.extensions.setdefault(EXTENSION, {})[kind.name] = kind


def kinds() -> Sequence[Kind]:
    """The kinds of this console, in the order of the page."""
    return tuple(current_app.extensions.get(EXTENSION, {}).values())


def handed_out_by(user_id: int, role: Role | None = None) -> HandedOut:
    """What a person made in this organization that still works, and that `role` could not make.

    Without a role they are no member any more.
    """
    now = clock.now()
    may_go_on = role is not None and role.may(Role.MEMBER)
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
        {} if may_go_on else {kind.name: kind.made_by(user_id) for kind in kinds()},
    )


def hold_membership(user: User, *needed: Role) -> bool:
    """Whether the person's role is still at least these; locks it until the transaction ends.

    Otherwise a removal or demotion at the same moment would miss what is being made here.
    """
    own = select(Membership.role).where(Membership.user_id == user.id).with_for_update(read=True)
    role = db.session.scalar(own)
    return role is not None and all(role.may(least) for least in needed)
