"""The limits of an organization: how near each is, and what it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

from flask import current_app
from sqlalchemy import func, select

from console.accounts.models import Key, MonitoringConfig, Project
from console.core import clock
from console.core.db import db
from console.core.disk import Disk
from console.ingest import pipeline, quota, spool
from console.ingest.backlogs import Backlog
from console.ingest.holdings import Holding
from console.telemetry import store
from console.web.filters import size as size_text

DISK = "pharos.disk"
LATE = timedelta(seconds=30)
KEYS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One limit: the present use, the maximum, and what happens beyond it."""

    name: str
    holds: bool
    value: str
    limit: str
    effect: str
    links: tuple[tuple[str, str, str], ...] = ()
    """Text, endpoint, and the slug of a project."""


@dataclass(frozen=True, slots=True)
class KeyRate:
    """How much a key has sent in the present minute."""

    label: str
    project: Project
    used: dict[str, int]
    limits: dict[str, int]
    """By category; 0 is no limit."""
    usual: int
    is_default: bool

    @property
    def holds(self) -> bool:
        """Whether some category is used up."""
        return any(0 < self.limits[name] <= used for name, used in self.used.items())


def disk() -> Disk:
    """Return the running app's look at its disk."""
    return cast("Disk", current_app.extensions[DISK])


def guardrails(organization_id: int) -> list[Guardrail]:
    """All guardrails of the organization, in the order in which data meets them.

    Limits of the whole instance show only their state: how much other organizations send is
    private.
    """
    projects = db.session.scalars(select(Project).order_by(Project.name).limit(KEYS_SHOWN)).all()
    holding = spool.current().held().get(organization_id, Holding())
    return [
        _share(organization_id, holding, projects),
        _backlog(pipeline.current().backlog(organization_id)),
        _dead_letters(holding, projects),
        _retention(organization_id, projects),
        _whole_spool(),
        _disk(),
    ]


def key_rates() -> list[KeyRate]:
    """What the organization's working keys have sent in the present minute, to this process."""
    counts = quota.current()
    query = (
        select(Key, Project)
        .join(Project, Project.id == Key.project_id)
        .where(
            Key.disabled_at.is_(None)
            | (Key.replaced_by_id.is_not(None) & (Key.disabled_at > clock.now()))
        )
        .order_by(Project.name, Key.id)
        .limit(KEYS_SHOWN)
    )
    rates = []
    for key, project in db.session.execute(query):
        used, own = counts.used(key.id), key.quota_per_minute
        limits = {name: counts.limit(own, name) for name in used}
        usual = counts.limit(own, "error")
        rates.append(KeyRate(key.label, project, used, limits, usual, own is None))
    return rates


def _share(organization_id: int, holding: Holding, projects: Sequence[Project]) -> Guardrail:
    waiting = spool.current()
    return Guardrail(
        "Share of the spool",
        waiting.share_is_full(organization_id),
        size_text(holding.size),
        f"{size_text(waiting.shares.largest)}, less while other organizations wait too",
        "What is sent is refused with 429 until digest has stored some of what waits. SDKs hold"
        " back for 30 s and drop it meanwhile; each refused request is counted in Intake.",
        tuple((f"Intake of {project.name}", "intake.intake", project.slug) for project in projects),
    )


def _backlog(backlog: Backlog | None) -> Guardrail:
    value = "nothing waits"
    if backlog is not None:
        age = clock.now() - backlog.since
        value = f"{requests_text(backlog.rows)}, {size_text(backlog.size)}, since {age_text(age)}"
    has_ended = not pipeline.current().alive()
    return Guardrail(
        "Events that wait for digest",
        has_ended or is_late(backlog),
        f"{value}; digest has ended" if has_ended else value,
        f"{int(LATE.total_seconds())} s",
        "A banner says so on every page. Nothing is lost: what was sent shows later.",
    )


def _dead_letters(holding: Holding, projects: Sequence[Project]) -> Guardrail:
    shares = spool.current().shares
    return Guardrail(
        "Dead letters",
        holding.letters > 0 and shares.letters_are_full,
        f"{requests_text(holding.letters)}, {size_text(holding.letters_size)}",
        f"{size_text(shares.letters_room)} for all organizations together",
        "They wait for a retry. When there is no room for more, the organization that has most"
        " loses its oldest.",
        tuple(
            (f"Dead letters of {project.name}", "dead_letters.dead_letters", project.slug)
            for project in projects
        ),
    )


def _retention(organization_id: int, projects: Sequence[Project]) -> Guardrail:
    budget = db.session.scalar(select(func.sum(MonitoringConfig.retention_mb))) or 0
    stored = store.current().size(organization_id)
    damage = store.current().damages().get(organization_id)
    return Guardrail(
        "Stored telemetry",
        damage is not None or stored > int(budget) << 20,
        size_text(stored) if damage is None else f"the file {damage.complaint}",
        f"{size_text(int(budget) << 20)}, the budgets of all projects",
        "Once an hour the oldest of a project goes, beyond its days or its megabytes.",
        tuple(
            (f"Budget of {project.name}", "accounts.monitoring", project.slug)
            for project in projects
        ),
    )


def _whole_spool() -> Guardrail:
    used_up = spool.current().shares.is_nearly_used_up
    return Guardrail(
        "Spool of the whole console",
        used_up,
        "nearly full" if used_up else "has room",
        "as PHAROS_SPOOL_MAX_MB says",
        "When it is full, everybody is answered 503 until digest has stored some of it.",
    )


def _disk() -> Guardrail:
    return Guardrail(
        "Disk of the console",
        disk().is_low,
        "low" if disk().is_low else "has room",
        "a twentieth of the disk, at most 2 GB",
        "The console reports it as an error of its own, and /ready answers 503. When nothing is"
        " left, ingest answers 503 and pages cannot save. The operator has to free space.",
    )


def sentences(organization_id: int) -> Iterator[tuple[str, Literal["bad", "warn"]]]:
    """The banner of every page while a limit applies; from memory, as each page needs it."""
    digest = pipeline.current()
    backlog = digest.backlog(organization_id)
    if spool.current().share_is_full(organization_id):
        yield "This organization's share of the spool is full: events are refused with 429.", "bad"
    if backlog is not None and is_late(backlog):
        age = age_text(clock.now() - backlog.since)
        why = ", as this organization's telemetry cannot be written" if backlog.stalled else ""
        yield f"Events wait: {requests_text(backlog.rows)} since {age}{why}.", "warn"
    if quota.current().refuses(organization_id):
        yield "A key is over its quota: what it sends beyond it is refused with 429.", "warn"
    if disk().is_low:
        yield "The disk of the console is nearly full.", "bad"
    damage = store.current().damages().get(organization_id)
    if damage is not None:
        yield damage.sentence, "bad"
    if digest.decoders.trouble:
        yield "No process that decodes can be started: events show later than usual.", "warn"
    if not digest.alive():
        yield "Digest has ended: what is sent is kept, and shows after a restart.", "bad"


def is_late(backlog: Backlog | None) -> bool:
    """Whether something waits longer than it should."""
    return backlog is not None and clock.now() - backlog.since > LATE


def requests_text(count: int) -> str:
    """1 request, 12,400 requests."""
    return f"{count:,} request{'' if count == 1 else 's'}"


def age_text(age: timedelta) -> str:
    """A time in one unit: 45 s, 4 min, 3 h, 2 d."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
