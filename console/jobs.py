"""The table of jobs: name, when, and the function, which lives in its package."""

from datetime import timedelta

from console.accounts import sessions, throttle
from console.alerting import (
    ending,
    evaluation,
    heartbeat,
    history,
    rules,
    set_back,
    settling,
    waking,
    watchdog,
)
from console.alerting.delivery import deploys, links, pagerduty_in, sending
from console.alerting.delivery import log as deliveries
from console.alerting.escalation import advance, policies
from console.alerting.escalation import set_back as set_back_escalations
from console.backup import schedule
from console.changes import daily
from console.core import absences, leases
from console.dashboards import making as dashboards
from console.detection import findings, fixes
from console.errors import changes, deletion, triage
from console.errors import set_back as set_back_issues
from console.ingest import upkeep
from console.intake import ledger
from console.integrations import selfmonitor
from console.reports import editions, standard
from console.reports import queries as reports
from console.ticker import Job
from console.uptime import domains, kept, maintenance, taking_in
from console.uptime import schedule as checks
from console.uptime import set_back as set_back_checks

EVALUATE = timedelta(seconds=5)
OFTEN, MINUTE = timedelta(seconds=10), timedelta(minutes=1)
SOON = timedelta(minutes=10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

JOBS = (
    Job(
        "erase-former-projects",
        HOUR,
        per_organization=selfmonitor.erase_former_projects,
        upkeep=True,
    ),
    Job("forget-organizations", MINUTE, upkeep.forget_organizations, upkeep=True),
    Job("erase-deleted-issues", OFTEN, per_organization=deletion.erase, upkeep=True),
    Job("retention", HOUR, per_organization=upkeep.apply_retention, upkeep=True),
    Job("forget-people", DAY, per_organization=upkeep.forget_people),
    Job("tidy-telemetry", DAY, per_organization=upkeep.tidy_telemetry, upkeep=True),
    Job("roll-up-vitals", HOUR, per_organization=upkeep.roll_up_vitals, upkeep=True),
    Job("count-people", HOUR, per_organization=upkeep.count_people, upkeep=True),
    Job("group-errors", HOUR, per_organization=upkeep.group_errors, upkeep=True),
    Job("rest-telemetry", MINUTE, upkeep.rest_telemetry),
    Job("put-issues-right", SOON, per_organization=set_back_issues.put_right),
    Job("end-mutes", MINUTE, per_organization=triage.end_mutes),
    Job("detect", OFTEN, per_organization=findings.find, upkeep=True),
    Job("keep-standard-rules", OFTEN, per_organization=rules.keep_standard),
    Job("put-checks-right", OFTEN, per_organization=set_back_checks.put_right),
    Job(checks.JOB, EVALUATE, per_organization=checks.try_due, punctual=True),
    Job(
        "settle-check-ins", EVALUATE, per_organization=taking_in.settle, upkeep=True, punctual=True
    ),
    Job("store-check-results", OFTEN, per_organization=kept.store_waiting, upkeep=True),
    Job("close-checks", OFTEN, per_organization=checks.write_closings, upkeep=True),
    Job("mark-maintenance", OFTEN, per_organization=maintenance.mark_results, upkeep=True),
    Job("ask-domain-expiry", HOUR, per_organization=domains.ask_expiry),
    Job("put-rules-right", OFTEN, per_organization=set_back.put_right),
    Job("put-notifications-right", OFTEN, per_organization=set_back_escalations.put_right),
    Job("evaluate", EVALUATE, per_organization=evaluation.evaluate, punctual=True),
    Job("keep-standard-dashboards", OFTEN, per_organization=dashboards.keep_standard),
    Job("keep-standard-reports", OFTEN, per_organization=standard.keep_standard),
    Job("keep-due-times", HOUR, per_organization=standard.keep_due_times),
    Job(editions.JOB, OFTEN, per_organization=editions.send_due, punctual=True),
    Job("forget-editions", DAY, per_organization=reports.forget_old),
    Job("keep-default-policy", OFTEN, per_organization=policies.keep_default),
    Job(watchdog.JOB, OFTEN, per_organization=watchdog.watch, punctual=True),
    Job("send-heartbeat", MINUTE, heartbeat.send, punctual=True),
    Job("escalate", EVALUATE, per_organization=advance.advance, punctual=True),
    Job("wake-incidents", OFTEN, per_organization=waking.wake, punctual=True),
    Job(sending.JOB, EVALUATE, per_organization=sending.deliver_due, punctual=True),
    Job("settle-received-events", MINUTE, per_organization=pagerduty_in.settle_waiting),
    Job("forget-received-events", HOUR, per_organization=pagerduty_in.forget_old),
    Job("forget-links", HOUR, per_organization=links.forget_old),
    Job("forget-deliveries", HOUR, per_organization=deliveries.forget_old),
    Job("end-forsaken-incidents", OFTEN, per_organization=ending.end_forsaken),
    Job("settle-evaluations", MINUTE, per_organization=settling.settle),
    Job("announce-deploys", MINUTE, per_organization=deploys.announce),
    Job("forget-evaluations", HOUR, per_organization=history.forget_old),
    Job(daily.JOB, SOON, per_organization=daily.judge),
    Job("forget-changes", DAY, per_organization=changes.forget_old),
    Job("forget-outcomes", HOUR, per_organization=ledger.forget_old),
    Job("forget-examined-releases", HOUR, per_organization=fixes.forget_old),
    Job("backup", HOUR, schedule.back_up),
    Job("forget-sign-ins", HOUR, per_organization=sessions.forget_ended_of_members),
    Job("forget-throttles", HOUR, throttle.forget_old),
    Job("forget-runs", HOUR, leases.forget_runs),
    Job("forget-absences", DAY, absences.forget_old),
    Job("check-itself", MINUTE, selfmonitor.check_itself),
)
