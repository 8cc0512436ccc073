"""Rules are made, changed and brought back; each saved state is a version. Callers commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from console.accounts.models import MOST_OF_THRESHOLDS, MonitoringConfig, Project, User
from console.alerting import ending
from console.alerting.composite import Member, faults
from console.alerting.condition import Condition, Level
from console.alerting.definition import Definition
from console.alerting.evaluation import begin
from console.alerting.models import Rule, RuleSeries, RuleVersion, StandardRules
from console.core import audit, clock
from console.core.db import db

MINUTE, HOUR = 60, 3_600
PER_UNIT = {"cls_thousandths": 1_000}
"""How many units of a threshold make one of its metric, where it is not 1."""
MOST_VERSIONS = 500
"""Of a rule, the latest ones."""


@dataclass(frozen=True, slots=True)
class Standard:
    """A rule that every project begins with.

    `threshold` names the column of MonitoringConfig that its warning level is the same as; "" for
    a rule with a level of its own.
    """

    name: str
    definition: Definition
    threshold: str = ""

    def of(self, monitoring: MonitoringConfig) -> Definition:
        """Its definition with the project's threshold."""
        if not self.threshold:
            return self.definition
        level = _level_of(monitoring, self.threshold)
        condition = replace(self.definition.condition, levels={Level.WARNING: level})
        return replace(self.definition, condition=condition)


def _watch(metric: str, *, window: int = 300, **condition: Any) -> Definition:
    return Definition(
        metric=metric, window_seconds=window, condition=Condition(op=">", **condition)
    )


STANDARD = (
    Standard(
        "API latency",
        _watch(
            "requests.p95", levels={Level.WARNING: 300}, pending_seconds=300, minimum_samples=20
        ),
        threshold="api_p95_ms",
    ),
    Standard(
        "Page loads (LCP)",
        _watch(
            "vitals.lcp",
            window=HOUR,
            levels={Level.WARNING: 2_000},
            interval_seconds=300,
            minimum_samples=20,
        ),
        threshold="lcp_ms",
    ),
    Standard(
        "Failing requests",
        _watch(
            "requests.error_rate",
            levels={Level.WARNING: 0.02, Level.CRITICAL: 0.05},
            pending_seconds=120,
            minimum_samples=20,
        ),
    ),
    Standard(
        "Check down",
        replace(
            _watch("checks.down", window=MINUTE, levels={Level.CRITICAL: 0}),
            by="check",
        ),
    ),
    Standard(
        "Error spike",
        replace(
            _watch(
                "errors.events",
                levels={Level.WARNING: 300, Level.CRITICAL: 1_000},
                compare="percent",
                floor=10,
            ),
            base_seconds=24 * HOUR,
        ),
    ),
    Standard(
        "New error type",
        _watch(
            "issues.new_types",
            window=MINUTE,
            levels={Level.WARNING: 0},
            keep_firing_seconds=HOUR,
        ),
    ),
)


def create(
    project: Project,
    name: str,
    definition: Definition,
    *,
    by: User | None = None,
    kind: str = "threshold",
    backtest: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Rule:
    """Add a rule that decides the windows which end from now on."""
    rule = Rule(
        project_id=project.id,
        name=name,
        kind=kind,
        document=definition.document,
        created_by_id=by.id if by else None,
        **fields,
    )
    begin(rule)
    db.session.add(rule)
    db.session.flush()
    _keep_version(rule, by, backtest)
    audit.record("rule.created", name, actor=by.email if by else "")
    return rule


def change(
    rule: Rule,
    definition: Definition,
    *,
    by: User | None,
    backtest: Mapping[str, Any] | None = None,
    follows: bool = False,
) -> None:
    """Save another version of a rule; one that says the same is none.

    Where a rule shares a threshold with its project's settings, the rule follows the settings if
    `follows` says so; else the settings follow the rule.

    What its series have come to is forgotten where another number is watched: the evaluations of
    one metric say nothing about another. Open incidents stay open until the rule is ok.
    """
    if definition.document == rule.document:
        return
    members = [Member.of(text) for text in definition.members]
    if members and (wrong := list(faults(rule.project_id, members, rule.id))):
        raise LookupError(" ".join(wrong))
    _hold(rule)
    if _watched(definition) != _watched(rule.definition):
        db.session.execute(sa.delete(RuleSeries).where(RuleSeries.rule_id == rule.id))
    if rule.threshold and not follows:
        _set_threshold(rule, definition)
    rule.version += 1
    rule.document = definition.document
    begin(rule)
    _keep_version(rule, by, backtest)
    audit.record("rule.changed", rule.name, actor=by.email if by else "", version=rule.version)


def bring_back(rule: Rule, number: int, *, by: User) -> None:
    """Save an earlier version anew; LookupError if the rule has no such version."""
    versions = select(RuleVersion).where(RuleVersion.rule_id == rule.id)
    version = db.session.scalar(versions.where(RuleVersion.number == number))
    if version is None:
        raise LookupError(f"{rule.name} has no version {number}")
    change(rule, Definition.of(version.document), by=by, backtest=version.backtest)


def switch(rule: Rule, *, on: bool, by: User | None = None) -> None:
    """Let a rule be evaluated, or not; what it watches while it is off is not made up for.

    Its incidents are resolved when it is switched off, as nothing else would end them.
    """
    if rule.enabled is on:
        return
    rule.enabled = on
    if on:
        begin(rule)
    else:
        ending.end_all(rule, ending.SWITCHED_OFF)
    audit.record("rule.switched", rule.name, actor=by.email if by else "", on=on)


def delete(rule: Rule) -> None:
    """Delete a rule with its versions and evaluations; its incidents are resolved, and stay."""
    _hold(rule)
    ending.end_all(rule, ending.DELETED)
    audit.record("rule.deleted", rule.name)
    db.session.delete(rule)


def _hold(rule: Rule) -> None:
    """Let an evaluation end first: it holds the rule before its series and incidents, too."""
    db.session.execute(select(Rule.id).where(Rule.id == rule.id).with_for_update())


def keep_standard(organization_id: int) -> Mapping[str, int]:
    """Give new projects their first rules, and let rules follow their projects' thresholds.

    Commits. It runs often, so that a project has its rules before its first window is complete.
    """
    del organization_id  # the Session is bound to it
    made = 0
    projects = db.session.scalars(select(Project).where(~Project.builtin)).all()
    have = set(db.session.scalars(select(StandardRules.project_id)))
    for project in projects:
        if project.id not in have:
            db.session.add(StandardRules(project_id=project.id))
            made += len(add_standard(project))
    changed = sum(follow_thresholds(project) for project in projects)
    db.session.commit()
    return {"rules made": made, "rules changed with the settings": changed}


def add_standard(project: Project) -> Sequence[Rule]:
    """Add the rules that every project begins with."""
    return [
        create(
            project, standard.name, standard.of(project.monitoring), threshold=standard.threshold
        )
        for standard in STANDARD
    ]


def follow_thresholds(project: Project) -> int:
    """Save a version of each rule whose threshold was changed in the settings; returns how many."""
    own = select(Rule).where(Rule.project_id == project.id, Rule.threshold != "")
    changed = 0
    for rule in db.session.scalars(own):
        definition, level = rule.definition, _level_of(project.monitoring, rule.threshold)
        if definition.condition.levels.get(Level.WARNING) != level:
            change(rule, _with_warning(definition, level), by=None, follows=True)
            changed += 1
    return changed


def _level_of(monitoring: MonitoringConfig, threshold: str) -> float:
    return float(getattr(monitoring, threshold)) / PER_UNIT.get(threshold, 1)


def _with_warning(definition: Definition, level: float) -> Definition:
    """The definition with another warning level; levels that contradict it are left out."""
    condition, beyond = definition.condition, definition.condition.is_breached
    critical = condition.levels.get(Level.CRITICAL)
    levels = {Level.WARNING: level}
    if critical is not None and beyond(critical, level) and critical != level:
        levels[Level.CRITICAL] = critical
    recovery = condition.recovery
    if recovery is not None and beyond(recovery, level):
        recovery = None
    return replace(definition, condition=replace(condition, levels=levels, recovery=recovery))


def _set_threshold(rule: Rule, definition: Definition) -> None:
    """Let the project's setting say what was made of the rule's warning level.

    A rule that no setting can say is another one from now on, and follows none.
    """
    level = definition.condition.levels.get(Level.WARNING)
    watches_the_same = _watched(definition) == _watched(rule.definition)
    wanted = 0.0 if level is None else round(level * PER_UNIT.get(rule.threshold, 1), 6)
    can_say = wanted.is_integer() and 1 <= wanted <= MOST_OF_THRESHOLDS[rule.threshold]
    if not can_say or not watches_the_same:
        rule.threshold = ""
        return
    own = select(MonitoringConfig).where(MonitoringConfig.project_id == rule.project_id)
    monitoring = db.session.scalars(own).one()
    setattr(monitoring, rule.threshold, int(wanted))


def _watched(definition: Definition) -> tuple[Any, ...]:
    """What an evaluation's number depends on."""
    return (
        definition.metric,
        definition.parameters,
        definition.members,
        definition.where,
        definition.by,
        definition.environment,
        definition.release,
        definition.condition.compare,
    )


def _keep_version(rule: Rule, by: User | None, backtest: Mapping[str, Any] | None) -> None:
    """Keep the rule as it is now; scripts may save one every minute, so the oldest goes for it."""
    oldest = sa.delete(RuleVersion).where(
        RuleVersion.rule_id == rule.id, RuleVersion.number <= rule.version - MOST_VERSIONS
    )
    db.session.execute(oldest.execution_options(synchronize_session=False))
    db.session.add(
        RuleVersion(
            rule_id=rule.id,
            number=rule.version,
            document=rule.document,
            backtest=dict(backtest or {}),
            at=clock.now(),
            by_id=by.id if by else None,
        )
    )
