"""The people whom error events name, by their keys."""

from collections.abc import Collection

from sqlalchemy import select

from console.telemetry.store import current
from console.telemetry.tables import error_event


def known_people(organization_id: int, keys: Collection[str]) -> set[str]:
    """The given keys that an event of the organization still has."""
    store = current()
    if not keys or not store.holds(organization_id):
        return set()
    user = error_event.c.user_key
    with store.using(organization_id) as database, database.transaction() as connection:
        return set(connection.scalars(select(user).where(user.in_(keys)).distinct()))
