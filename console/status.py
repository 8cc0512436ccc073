"""The status of an instance's console, read from its files and rows by any process."""

import os
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting import troubles as rules
from console.backup.notes import read_note
from console.core import absences, clock, failures, leases
from console.core.config import Config, config
from console.core.db import db
from console.core.disk import Disk
from console.core.tenancy import organization_scope
from console.ingest import digest_note, spool
from console.ingest.models import DigestPosition
from console.intake import set_aside
from console.uptime import troubles as checks

NOTE = "serving.json"
DAY = timedelta(days=1)
LARGEST_PID = 1 << 22  # of Linux; elsewhere they are smaller


def public_url(settings: Config) -> str:
    """The address for links and DSNs: the running console's, else PHAROS_URL as it is set here."""
    running = running_url(settings)
    is_public = _serving(settings).get("is_public")
    return running if is_public else settings.base_url or running


def running_url(settings: Config) -> str:
    """Where the console that serves this instance answers; "" if none does."""
    note = _serving(settings)
    return str(note["url"]) if note and _lives(note["pid"]) else ""


def status() -> dict[str, Any]:
    """The status of this instance's console.

    Only the serving process may open telemetry, so the digest writes a note about it.
    """
    url = running_url(config())
    noted, fresh = _digesting(config())
    depth = spool.current().depth()
    lag = (clock.now() - depth.oldest).total_seconds() if depth.oldest else 0.0
    return {
        "running": bool(url) and fresh,
        "url": url,
        "spool": {
            "rows": depth.rows,
            "bytes": depth.size,
            "lag_seconds": round(max(lag, 0.0), 3),
            "dead_letters": spool.current().dead_count(),
        },
        "digest": {
            "records_per_second": noted.get("records_per_second", 0.0) if fresh else 0.0,
            "stalled_organizations": noted.get("stalled_organizations", 0) if fresh else 0,
            "last_error": noted.get("last_error", ""),
            "decoders_trouble": noted.get("decoders_trouble", "") if fresh else "",
        },
        "disk": _disk(config()),
        "damage": _damage(noted if fresh else {}),
        "positions": _positions(),
        "alerting": _alerting(),
        "failing": _failing(),
        "away": _away(),
        "jobs": _jobs(),
        "backup": _backup(),
    }


def _damage(noted: dict[str, Any]) -> list[str]:
    """Damaged files, and damaged files that were set aside, in words."""
    files = noted.get("damaged_telemetry", {})
    spools = [f"{report.at}: {report.sentence}" for report in set_aside.reports(config().instance)]
    return [*spools, *files.values()]


def _disk(settings: Config) -> dict[str, Any]:
    """How much room the disk of the instance folder has, where all but PostgreSQL is."""
    disk = Disk(settings.instance)
    return {
        "folder": str(settings.instance.resolve()),
        "free_bytes": disk.free,
        "is_low": disk.is_low,
    }


def _backup() -> dict[str, Any] | None:
    """The progress or result of the latest backup."""
    note = read_note(config().instance)
    return asdict(note) if note else None


def _positions() -> dict[str, int]:
    """How far each organization is digested, by slug."""
    organizations = db.session.execute(select(Organization.id, Organization.slug)).all()
    positions = {}
    for organization_id, slug in organizations:
        with organization_scope(organization_id):
            positions[slug] = db.session.scalar(select(DigestPosition.position)) or 0
    return positions


def _alerting() -> dict[str, dict[str, int]]:
    """The rules that are late or broken and the checks that are late, by organization."""
    troubles = {}
    for organization_id, slug in db.session.execute(
        select(Organization.id, Organization.slug)
    ).all():
        with organization_scope(organization_id):
            troubles[slug] = rules.troubles() | {"checks_late": checks.late_checks()}
    return troubles


def _failing() -> list[dict[str, Any]]:
    """The jobs that fail for an organization since some time, and why."""
    failing: list[dict[str, Any]] = []
    for organization_id, slug in db.session.execute(
        select(Organization.id, Organization.slug)
    ).all():
        with organization_scope(organization_id):
            failing += (
                {
                    "organization": slug,
                    "job": failure.job,
                    "since": failure.since.isoformat(timespec="seconds"),
                    "cause": failure.cause,
                }
                for failure in failures.present()
            )
    return failing


def _away() -> str:
    """When nobody ran the jobs, in the last day; "" if somebody always did."""
    away = absences.between(clock.now() - DAY, clock.now())
    return away[-1].words if away else ""


def _jobs() -> dict[str, Any]:
    """The leading process, and how the last run of each job ended."""
    lease = db.session.get(leases.Lease, leases.JOBS)
    runs = {
        run.job: {
            "due_at": run.due_at.isoformat(),
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "summary": run.summary,
            "error": run.error,
            "failed_organizations": run.failed_organizations,
        }
        for run in leases.last_runs()
    }
    return {"leader": lease.holder if lease and lease.until > clock.now() else "", "runs": runs}


def _serving(settings: Config) -> dict[str, Any]:
    """The note of the console that serves; empty where there is none, or another text."""
    note = _read(settings.instance / NOTE)
    pid = note.get("pid")
    return note if type(pid) is int and 0 < pid <= LARGEST_PID and "url" in note else {}


def _digesting(settings: Config) -> tuple[dict[str, Any], bool]:
    """The digest's note, empty where there is none, and whether a digest that runs wrote it."""
    note = _read(settings.instance / digest_note.NAME)
    try:
        at = clock.instant(note["at"])
    except (KeyError, TypeError, ValueError):  # a disk has lost it
        return {}, False
    return note, clock.now() - at < digest_note.FRESH


def _read(path: Path) -> dict[str, Any]:
    try:
        noted = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, under another account
        return True
    return True
