"""Which policies use a channel."""

from __future__ import annotations

from sqlalchemy import select

from console.alerting.escalation.models import Policy
from console.alerting.escalation.plan import Plan
from console.core.db import db


def channel_uses() -> dict[int, list[Policy]]:
    """The policies that use each channel, by its id."""
    uses: dict[int, list[Policy]] = {}
    for policy in db.session.scalars(select(Policy).order_by(Policy.name)):
        targets = {target for step in Plan.of(policy.document).steps for target in step.targets}
        for target in targets:
            if target.reach == "channel" and target.id is not None:
                uses.setdefault(target.id, []).append(policy)
    return uses
