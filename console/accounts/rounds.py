"""The same work for every organization, where the failure of one stops nobody else's."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from console.accounts.models import Organization
from console.core import failures, repeated
from console.core.db import db, reading
from console.core.explained import Explained
from console.core.tenancy import organization_scope

Work = Callable[[int], Mapping[str, int]]
"""Takes the id of an organization, whose Session is entered; commits; returns counts by words."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Round:
    """The counts of the work over all organizations, and in how many of them it failed."""

    counts: Counter[str] = field(default_factory=Counter)
    organizations: int = 0
    failed: int = 0

    def __str__(self) -> str:
        """The counts in words, such as "3 rows deleted; failed for 1 of 2 organizations"."""
        words = ", ".join(f"{count} {effect}" for effect, count in self.counts.items())
        if not self.failed:
            return words or "nothing to do"
        failed = f"failed for {self.failed} of {self.organizations} organizations"
        return f"{words}; {failed}" if words else failed


def for_each_organization(work: Work, *, job: str, among: Iterable[int] | None = None) -> Round:
    """Do the work in each organization, or in those `among` it; a failure is logged and noted.

    The organization's Intake page shows the note until the work succeeds there. `job` names the
    work in it. Raises what the database raises when it cannot even name the organizations.
    """
    result = Round()
    for organization_id in _present() if among is None else among:
        result.organizations += 1
        try:
            with organization_scope(organization_id):
                result.counts.update(work(organization_id))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the others go on
            result.failed += 1
            _failed(failure, job, organization_id)
        else:
            repeated.current().succeeded((job, organization_id))
            _note(job, organization_id, "")
    return result


def _present() -> list[int]:
    with reading():
        present = list(db.session.scalars(select(Organization.id).order_by(Organization.id)))
        db.session.rollback()
    return present


def _failed(failure: Exception, job: str, organization_id: int) -> None:
    """Note the part of a failure that people may read; the log has all of it."""
    if not isinstance(failure, Explained):
        cause = type(failure).__name__
        if times := repeated.current().failed((job, organization_id), cause):
            sentence = "%s failed for organization %d; in a row: %d"
            log.error(sentence, job, organization_id, times, exc_info=failure)
        _note(job, organization_id, cause)
    elif _note(job, organization_id, failure.cause):  # it comes again every few seconds
        log.warning("%s is left out for organization %d: %s", job, organization_id, failure)


def _note(job: str, organization_id: int, cause: str) -> bool:
    """Note whether the work failed; whether that is news. A note that cannot be written is logged.

    "" as the cause says that it succeeded.
    """
    try:
        with organization_scope(organization_id):
            if not cause:
                failures.ended(job)
            elif db.session.get(Organization, organization_id) is not None:
                return failures.add(job, cause)
    except Exception:
        log.exception("how %s went for organization %d was not noted", job, organization_id)
    return True
