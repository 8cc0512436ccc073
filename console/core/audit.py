"""The audit log: who did what to which thing, appended and never changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ForeignKey, Index, String, insert
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import Model, OrganizationScoped, db
from console.core.tenancy import inserting_for


class AuditEntry(OrganizationScoped, Model):
    """One act on an organization's things; on PostgreSQL the app may only add and read them."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("audit_by_time", "organization_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]]
    address: Mapped[str] = mapped_column(String(64))


def record(action: str, target: str, *, actor: str = "", **details: Any) -> None:
    """Add an entry to the present unit of work, so that act and entry commit together.

    `action` is a verb on a noun ("key.rotated"); `details` are JSON values and never a secret.
    """
    db.session.add(AuditEntry(**_entry(action, target, actor, details)))


def record_in_each(
    organization_ids: Iterable[int], action: str, target: str, *, actor: str = "", **details: Any
) -> None:
    """Add the same entry to several organizations' logs, in the transaction under way."""
    for organization_id in organization_ids:
        with inserting_for(organization_id):
            entry = {**_entry(action, target, actor, details), "organization_id": organization_id}
            db.session.execute(insert(AuditEntry).values(entry))


def _entry(action: str, target: str, actor: str, details: dict[str, Any]) -> dict[str, Any]:
    actor_id = None
    if has_request_context():
        # commands have no requests, and need not wait until it is loaded
        from flask_login import current_user  # noqa: PLC0415

        if current_user.is_authenticated:
            actor_id, actor = current_user.id, current_user.email
    return {
        "actor_id": actor_id,
        "actor": actor or "system",
        "action": action,
        "target": target[:200],
        "details": details,
        "address": (request.remote_addr or "") if has_request_context() else "",
    }
