"""Issues whose times lie in the future, because the clock was set back, go on from now."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import or_, select

from console.accounts.models import Release
from console.core import clock
from console.core.db import db, reading, writing
from console.errors.models import Issue, IssueRelease

SLACK = timedelta(minutes=1)
"""So far ahead of this process's clock may be what another process has written."""
TIMES = (
    (Issue, ("first_seen", "last_seen", "resolved_at", "regressed_at")),
    (IssueRelease, ("first_seen", "last_seen")),
    (Release, ("first_seen", "last_seen")),
)

log = logging.getLogger(__name__)


def put_right(organization_id: int) -> Mapping[str, int]:
    """Let times of issues and releases that have not come be now. Commits.

    Until the time that the clock had shown, no event would reopen what was resolved then, and the
    releases of today would be older than what was seen first then.
    """
    del organization_id  # the Session is bound to it
    soon, changed = clock.now() + SLACK, 0
    for model, names in TIMES:
        ahead = or_(*(getattr(model, name) > soon for name in names))
        with reading():
            ids = db.session.scalars(select(model.id).where(ahead)).all()
            db.session.rollback()
        if ids:
            with writing():
                changed += _put_right(model, ids, names)
                db.session.commit()
    if changed:
        log.warning("the clock was set back: %d issues and releases go on from now", changed)
    return {"issues and releases put right after the clock was set back": changed}


def _put_right(
    model: type[Issue | IssueRelease | Release], ids: Sequence[int], names: Sequence[str]
) -> int:
    now = clock.now()
    rows = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
    changed = 0
    for row in db.session.scalars(rows):
        for name in names:
            at = getattr(row, name)
            if at is not None and at > now:
                setattr(row, name, now)
        changed += 1
    return changed
