"""Requests without a valid key: counted for the project in their address, without their content.

Anybody who knows an address may send such requests, so nothing of their content is kept: no client
name, no key, only a reason from a fixed list. A number that belongs to no project takes a place in
a small dictionary for some seconds, and neither a row nor a database query.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from time import monotonic

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from console.accounts.models import Project
from console.accounts.rounds import for_each_organization
from console.core.db import db, reading

NAMED = 1000  # numbers that are not known to be projects, at once
LEARN_SECONDS = 5.0  # how late a new project's first refusal shows
LEARN_SHARE = 100  # asking for all projects may take this part of the time

Case = tuple[int, str, str, str]
"""Project id, item type, outcome, reason."""


class Strangers:
    """Counts such requests until `take` assigns them to organizations."""

    def __init__(self, app: Flask) -> None:
        """`app` is the app whose database has the projects."""
        self._app = app
        self._lock = threading.Lock()
        self._cases: Counter[Case] = Counter()
        self._unknown: set[int] = set()
        self._owners: dict[int, int] = {}
        self._learn_at = 0.0

    def saw(self, case: Case) -> None:
        """Count a request that was refused; touches memory alone."""
        project_id = case[0]
        with self._lock:
            if project_id not in self._owners and project_id not in self._unknown:
                if len(self._unknown) >= NAMED:
                    return
                self._unknown.add(project_id)
            self._cases[case] += 1

    def take(self) -> Mapping[int, Mapping[Case, int]]:
        """The counts since the last call, by organization; counts without a project are dropped.

        Numbers that may belong to new projects stay until the projects are read again.
        """
        if self._unknown and monotonic() >= self._learn_at:
            self._learn()
        with self._lock:
            cases, self._cases = self._cases, Counter()
            by_owner: dict[int, dict[Case, int]] = {}
            for case, quantity in cases.items():
                if owner := self._owners.get(case[0]):
                    by_owner.setdefault(owner, {})[case] = quantity
                elif case[0] in self._unknown:
                    self._cases[case] = quantity
        return by_owner

    @property
    def wait(self) -> bool:
        """Whether something is counted that was not taken."""
        return bool(self._cases)

    def _learn(self) -> None:
        """Read the projects of every organization: only its own Session may read them."""
        with self._lock:
            asked = set(self._unknown)
        began = monotonic()
        try:
            with self._app.app_context():
                owners, whole = _owners()
        except SQLAlchemyError:  # the numbers stay unknown until the database answers
            owners, whole = {}, False
        took = monotonic() - began
        self._learn_at = monotonic() + max(LEARN_SECONDS, LEARN_SHARE * took)
        with self._lock:
            if whole:
                self._owners = owners
                self._unknown -= asked
            else:  # what was learned before holds for those who did not answer
                self._owners |= owners
                self._unknown -= owners.keys()


def _owners() -> tuple[dict[int, int], bool]:
    """The organization of each project, and whether every organization answered."""
    owners = {}

    def ask(organization_id: int) -> Mapping[str, int]:
        with reading():
            for project_id in db.session.scalars(select(Project.id)):
                owners[project_id] = organization_id
        return {}

    result = for_each_organization(ask, job="know-projects")
    return owners, not result.failed
