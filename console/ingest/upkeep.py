"""Jobs for the upkeep of telemetry: they delete old rows and merge small row groups."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from console.accounts import releases
from console.accounts.models import MonitoringConfig, Organization
from console.accounts.rounds import Round, for_each_organization
from console.core import absences
from console.core.config import config
from console.core.db import db, overwrite_deleted
from console.errors import forgetting
from console.ingest import erasure, spool
from console.telemetry import error_rollups, presence_rollups, retention, store, vital_rollups

TELEMETRY_RESTS = timedelta(minutes=2)  # after the last question


def apply_retention(organization_id: int) -> Mapping[str, int]:
    """Delete telemetry that is older than its project keeps it, and texts that came with it."""
    kept = {
        settings.project_id: retention.Keep(settings.retention_days, settings.retention_mb)
        for settings in db.session.scalars(select(MonitoringConfig))
    }
    now = absences.certain_now()
    db.session.commit()  # deleting takes a while: hold no transaction meanwhile
    applied = retention.apply(organization_id, kept, now=now)
    path = config().instance / spool.FILE
    letters = erasure.forget_letters(path, organization_id, applied.oldest)
    forgotten = forgetting.forget_texts(applied.oldest)
    aged = releases.forget(applied.oldest)
    overwrite_deleted()
    beside = {"dead letters deleted": letters, "releases forgotten": aged, **forgotten}
    counts = {effect: count for effect, count in beside.items() if count}
    return {"rows deleted": applied.deleted, **counts}


def forget_people(organization_id: int) -> Mapping[str, int]:
    """Forget the people of whom no event is left."""
    return forgetting.forget_people(organization_id)


def tidy_telemetry(organization_id: int) -> Mapping[str, int]:
    """Merge what many small commits have left in the telemetry file."""
    return {"files tidied": retention.tidy(organization_id)}


def roll_up_vitals(organization_id: int) -> Mapping[str, int]:
    """Count the page loads of days that are over."""
    return {"days of page loads counted": vital_rollups.roll_up(organization_id)}


def count_people(organization_id: int) -> Mapping[str, int]:
    """Count who was there on days that are over."""
    return {"days of people counted": presence_rollups.roll_up(organization_id)}


def group_errors(organization_id: int) -> Mapping[str, int]:
    """Copy the error events of days that are over by grouping hash, for the pages of issues."""
    return {"periods of errors grouped": error_rollups.roll_up(organization_id)}


def rest_telemetry() -> str:
    """Free the memory of telemetry that is not being read."""
    store.current().rest(TELEMETRY_RESTS.total_seconds())
    return "done"


def forget_organizations() -> Round:
    """Delete the telemetry of deleted organizations."""
    files = store.current().organizations()  # before the list: who has a file is in it, or gone
    present = set(db.session.scalars(select(Organization.id)))
    gone = [organization_id for organization_id in files if organization_id not in present]

    def delete_telemetry(organization_id: int) -> Mapping[str, int]:
        store.current().delete_organization(organization_id)
        return {"telemetry files of deleted organizations removed": 1}

    db.session.commit()  # the log is emptied only while nobody reads
    if gone:
        overwrite_deleted()
    return for_each_organization(delete_telemetry, job="forget-organizations", among=gone)
