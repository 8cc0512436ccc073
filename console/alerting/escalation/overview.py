"""What the pages of policies show: where each holds, whom it reaches, and what changed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import select

from console.accounts.models import Project
from console.alerting.escalation import policies
from console.alerting.escalation.checking import reaches_nobody, warnings
from console.alerting.escalation.models import Policy, PolicyUse, PolicyVersion
from console.alerting.escalation.plan import Plan
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.words import changes, step_words, terms
from console.alerting.models import Rule
from console.core.db import db


@dataclass(frozen=True, slots=True)
class Hold:
    """A choice of a policy: for a severity, a project, or a rule."""

    use: PolicyUse
    project: Project | None
    rule: Rule | None

    @property
    def words(self) -> str:
        """Where it holds: "incidents of high severity of Shop"."""
        if self.rule is not None:
            return f"the rule {self.rule.name}"
        severity = self.use.severity
        incidents = f"incidents of {severity} severity" if severity else "all incidents"
        return f"{incidents} of {self.project.name}" if self.project else incidents


@dataclass(frozen=True, slots=True)
class Listed:
    """A policy in the list."""

    policy: Policy
    steps: Sequence[str]
    holds: Sequence[Hold]
    reaches_nobody: bool
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """A version of a policy, and what it changed, in sentences."""

    version: PolicyVersion
    changes: Sequence[str]


@dataclass(frozen=True, slots=True)
class PolicyDetails:
    """A policy with all that is known of it."""

    listed: Listed
    terms: Sequence[tuple[str, str]]
    versions: Sequence[SavedVersion]


def listed(directory: Directory) -> Sequence[Listed]:
    """All policies, with where they hold."""
    own = holds()
    return [
        _listed(policy, own.get(policy.id, ()), directory) for policy in policies.all_policies()
    ]


def details(policy: Policy, directory: Directory) -> PolicyDetails:
    """A policy with its versions, the latest first."""
    saved = policies.versions(policy)
    changed = [
        SavedVersion(later, list(changes(former.document, later.document, directory)))
        for later, former in pairwise(saved)
    ]
    return PolicyDetails(
        listed=_listed(policy, holds().get(policy.id, ()), directory),
        terms=terms(policy.document),
        versions=[*changed, *(SavedVersion(first, ()) for first in saved[-1:])],
    )


def holds() -> Mapping[int, Sequence[Hold]]:
    """Where each policy is chosen, by its id: what is most particular stands last."""
    query = (
        select(PolicyUse, Project, Rule)
        .outerjoin(Project, Project.id == PolicyUse.project_id)
        .outerjoin(Rule, Rule.id == PolicyUse.rule_id)
        .order_by(Rule.name, Project.name, PolicyUse.id)
    )
    own: dict[int, list[Hold]] = defaultdict(list)
    for use, project, rule in db.session.execute(query):
        own[use.policy_id].append(Hold(use, project, rule))
    return own


def _listed(policy: Policy, own: Sequence[Hold], directory: Directory) -> Listed:
    plan = Plan.of(policy.document)
    return Listed(
        policy=policy,
        steps=[step_words(step, directory) for step in plan.steps],
        holds=own,
        reaches_nobody=reaches_nobody(plan, directory),
        warnings=[why for _, why in warnings(plan, directory)],
    )
