"""Rules that a project begins with, their versions, and the settings that they share."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from console.accounts.models import MonitoringConfig, Project, User
from console.alerting import rules, wording
from console.alerting.condition import Level
from console.alerting.models import Rule, RuleSeries, RuleVersion
from console.alerting.rules import STANDARD, keep_standard
from console.core.db import db
from console.metrics.catalogue import CATALOGUE

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def bound(acme, inside):
    with inside(acme):
        yield db.session.get_one(Project, acme.id)


def standard() -> dict[str, Rule]:
    return {rule.name: rule for rule in db.session.scalars(select(Rule))}


def test_a_new_project_gets_its_rules_once(bound):
    made = keep_standard(bound.organization_id)
    assert made["rules made"] == len(STANDARD)
    assert standard().keys() == {each.name for each in STANDARD}
    db.session.execute(delete(Rule).where(Rule.name == "API latency"))
    db.session.commit()
    assert keep_standard(bound.organization_id)["rules made"] == 0
    assert "API latency" not in standard()


def test_every_standard_rule_watches_a_metric_that_exists_and_can_be_read(bound):
    keep_standard(bound.organization_id)
    sentences = {name: wording.sentence(rule.definition) for name, rule in standard().items()}
    assert all(each.definition.metric in CATALOGUE for each in STANDARD)
    assert sentences == {
        "API latency": "Requests: P95 above 300 ms (warning) over the last 5 minutes "
        "for 5 minutes. Fewer than 20 samples change nothing.",
        "Page loads (LCP)": "Web vitals: LCP P75 above 2 s (warning) over the last hour. "
        "Fewer than 20 samples change nothing.",
        "Failing requests": "Requests: Error rate above 5% (critical) or 2% (warning) "
        "over the last 5 minutes for 2 minutes. Fewer than 20 samples change nothing.",
        "Check down": "Uptime: Checks down above 0 (critical) over the last minute for each check",
        "Error spike": "Errors: Error events above 1,000% (critical) or 300% (warning) "
        "of the same time a day earlier (counted as at least 10 error events) "
        "over the last 5 minutes",
        "New error type": "Issues: New error types above 0 (warning) over the last minute. "
        "It fires on until all was well for an hour.",
    }


def test_a_threshold_changed_in_the_settings_changes_the_rule(bound):
    keep_standard(bound.organization_id)
    bound.monitoring.api_p95_ms = 450
    db.session.commit()
    assert keep_standard(bound.organization_id)["rules changed with the settings"] == 1
    rule = standard()["API latency"]
    assert (rule.version, rule.definition.condition.levels) == (2, {Level.WARNING: 450})
    assert keep_standard(bound.organization_id)["rules changed with the settings"] == 0


@pytest.mark.parametrize("is_script", [False, True])
def test_a_rules_level_changed_by_a_person_or_a_script_changes_the_settings(bound, is_script):
    keep_standard(bound.organization_id)
    rule, alice = standard()["API latency"], db.session.scalars(select(User).limit(1)).one()
    levels = {Level.WARNING: 250.0, Level.CRITICAL: 900.0}
    condition = replace(rule.definition.condition, levels=levels)
    rules.change(
        rule, replace(rule.definition, condition=condition), by=None if is_script else alice
    )
    db.session.commit()
    assert db.session.scalars(select(MonitoringConfig.api_p95_ms)).one() == 250
    assert keep_standard(bound.organization_id)["rules changed with the settings"] == 0
    bound.monitoring.api_p95_ms = 1_000  # above the critical level, which is then left out
    db.session.commit()
    keep_standard(bound.organization_id)
    assert standard()["API latency"].definition.condition.levels == {Level.WARNING: 1_000}


def test_another_metric_ends_what_the_rule_shares_with_the_settings(bound):
    keep_standard(bound.organization_id)
    rule, alice = standard()["API latency"], db.session.scalars(select(User).limit(1)).one()
    rules.change(rule, replace(rule.definition, metric="requests.p99"), by=alice)
    db.session.commit()
    assert rule.threshold == ""
    assert db.session.scalars(select(MonitoringConfig.api_p95_ms)).one() == 300


@pytest.mark.parametrize("level", [0.4, -1.0, 250.5, 600_001.0, 1e12])
def test_a_level_that_the_settings_cannot_say_ends_what_they_share(bound, level):
    keep_standard(bound.organization_id)
    rule = standard()["API latency"]
    condition = replace(rule.definition.condition, levels={Level.WARNING: level}, recovery=None)
    rules.change(rule, replace(rule.definition, condition=condition), by=None)
    db.session.commit()
    assert db.session.scalars(select(MonitoringConfig.api_p95_ms)).one() == 300
    assert keep_standard(bound.organization_id)["rules changed with the settings"] == 0
    assert standard()["API latency"].definition.condition.levels == {Level.WARNING: level}


def test_versions_are_kept_and_brought_back(bound):
    keep_standard(bound.organization_id)
    rule, alice = standard()["Failing requests"], db.session.scalars(select(User).limit(1)).one()
    first = rule.document
    db.session.add(
        RuleSeries(rule_id=rule.id, value="", standing={}, changed_at=rule.evaluated_until)
    )
    narrowed = replace(rule.definition, environment="production")
    rules.change(rule, narrowed, by=alice, backtest={"incidents": 3})
    rules.change(rule, narrowed, by=alice)  # says the same
    db.session.commit()
    assert rule.version == 2
    assert not db.session.scalars(select(RuleSeries)).all()
    rules.bring_back(rule, 1, by=alice)
    db.session.commit()
    versions = db.session.scalars(
        select(RuleVersion).where(RuleVersion.rule_id == rule.id).order_by(RuleVersion.number)
    ).all()
    assert [(each.number, each.by_id) for each in versions] == [
        (1, None), (2, alice.id), (3, alice.id),
    ]  # fmt: skip
    assert versions[1].backtest == {"incidents": 3}
    assert rule.document == first
    with pytest.raises(LookupError, match="no version 9"):
        rules.bring_back(rule, 9, by=alice)
