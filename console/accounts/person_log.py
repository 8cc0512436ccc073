"""Changes to how a person signs in, in the audit log of each of their organizations."""

from typing import Any

from sqlalchemy import select

from console.accounts.models import Membership, User
from console.core import audit
from console.core.db import db
from console.core.tenancy import bearer


def record(user: User, action: str, *, actor: str = "", **details: Any) -> None:
    """Note an act on the person's account, in the transaction under way."""
    with bearer(Membership, user.id):
        organization_ids = db.session.scalars(select(Membership.organization_id)).all()
    audit.record_in_each(organization_ids, action, user.email, actor=actor or user.email, **details)
