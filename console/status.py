"""The status of an instance's console, read from its files and rows by any process."""

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from console.accounts.models import Organization
from console.backup.notes import read_note
from console.core import clock, leases
from console.core.config import Config, config
from console.core.db import db
from console.core.tenancy import organization_scope
from console.ingest import digest_note, spool
from console.ingest.models import DigestPosition
from console.intake import set_aside

NOTE = "serving.json"


def public_url(settings: Config) -> str:
    """The address for links and DSNs: the running console's, else PHAROS_URL as it is set here."""
    note = _read(settings.instance / NOTE) or {}
    running = running_url(settings)
    return running if note.get("is_public") else settings.base_url or running


def running_url(settings: Config) -> str:
    """Where the console that serves this instance answers; "" if none does."""
    note = _read(settings.instance / NOTE)
    return str(note["url"]) if note and _lives(int(note["pid"])) else ""


def status() -> dict[str, Any]:
    """The status of this instance's console.

    Only the serving process may open telemetry, so the digest writes a note about it.
    """
    url = running_url(config())
    noted = _read(config().instance / digest_note.NAME) or {}
    fresh = bool(noted) and clock.now() - datetime.fromisoformat(noted["at"]) < digest_note.FRESH
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
        "damage": _damage(noted if fresh else {}),
        "positions": _positions(),
        "jobs": _jobs(),
        "backup": _backup(),
    }


def _damage(noted: dict[str, Any]) -> list[str]:
    """Damaged files, and damaged files that were set aside, in words."""
    files = noted.get("damaged_telemetry", {})
    spools = [f"{report.at}: {report.sentence}" for report in set_aside.reports(config().instance)]
    return [*spools, *files.values()]


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


def _read(path: Path) -> dict[str, Any] | None:
    try:
        noted: dict[str, Any] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return noted


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, under another account
        return True
    return True
