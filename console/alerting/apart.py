"""The same work on row after row: one that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from console.core import repeated
from console.core.database_errors import concerns_all
from console.core.db import db
from console.core.explained import Explained
from console.core.tenancy import current_organization_id

log = logging.getLogger(__name__)


class RowsFailed(Explained):
    """Some rows of a round failed; the others are done."""

    def __init__(self, rows: str, failed: int, cause: str) -> None:
        """`rows` says what was worked on, such as "escalations"."""
        super().__init__(f"{failed} {rows} failed")
        self.cause = f"{failed} {rows} failed, the last with {cause}"


class Apart:
    """Rows that are worked on one by one, and how many of them failed."""

    def __init__(self, rows: str) -> None:
        """`rows` says what is worked on, such as "escalations"."""
        self._rows = rows
        self._failed = 0
        self._cause = ""

    @contextmanager
    def row(self, name: Hashable) -> Iterator[None]:
        """Work on one: its failure is logged and counted, and its transaction rolled back.

        One that fails in every round is logged at once, and then ever less often. Raises what
        concerns all rows: the database itself fails.
        """
        known = (current_organization_id(), self._rows, name)
        try:
            yield
        except Exception as error:
            db.session.rollback()
            if concerns_all(error):
                raise
            if times := repeated.current().failed(known, type(error).__name__):
                log.exception("%s of the %s failed; in a row: %d", name, self._rows, times)
            self._failed += 1
            self._cause = type(error).__name__
        else:
            if times := repeated.current().succeeded(known):
                log.info("%s of the %s works again after %d failures", name, self._rows, times)

    def end(self) -> None:
        """Raise RowsFailed if any failed, so that the job's failure is noted and people see it."""
        if self._failed:
            raise RowsFailed(self._rows, self._failed, self._cause)
