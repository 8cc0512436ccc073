"""What a project that is being connected has sent so far: errors, traces, releases, web vitals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from console.accounts.models import Project, Release
from console.errors.models import Issue
from console.ingest import protocol, queries, web_vitals
from console.intake import queries as ledger


@dataclass(frozen=True, slots=True)
class Step:
    """Something to send first, such as a trace, and the page that shows it once it has arrived."""

    name: str
    """Such as "Trace"."""
    at: datetime | None
    """When the latest arrived."""
    url: str
    text: str = ""
    """What arrived last."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What has arrived from a project: the latest issue, and each step."""

    issue: Issue | None
    steps: tuple[Step, ...]

    @property
    def has_data(self) -> bool:
        """Whether anything has arrived."""
        return any(step.at for step in self.steps)


def progress(project: Project) -> Progress:
    """Everything that the Connect page ticks off."""
    issue = queries.latest_issue(project)
    release = queries.latest_release(project)
    stored = ledger.latest_arrivals(project)
    return Progress(issue, _steps(project, issue, release, stored))


def _steps(
    project: Project,
    issue: Issue | None,
    release: Release | None,
    stored: Mapping[str, datetime],
) -> tuple[Step, ...]:
    at: dict[str, Any] = {"organization": project.organization.slug, "project": project.slug}
    inbox = url_for("errors.inbox", **at, release=release.version if release else None)
    return (
        Step(
            "Error",
            issue.last_seen if issue else None,
            url_for("errors.issue", **at, issue_id=issue.id) if issue else "",
            issue.title if issue else "",
        ),
        Step("Trace", stored.get(protocol.SPAN.name), url_for("performance.traces", **at)),
        Step(
            "Release",
            release.last_seen if release else None,
            inbox,
            release.version if release else "",
        ),
        Step("Web vital", stored.get(web_vitals.ITEM), url_for("performance.vitals", **at)),
    )
