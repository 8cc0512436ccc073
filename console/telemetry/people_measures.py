"""The measure of people: whoever an error, a request, a page load or a session names."""

from sqlalchemy import func, literal, select, union_all

from console.telemetry.measures import RECEIVED, Measure, Rows
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, UNTIL, within
from console.telemetry.tables import error_event, page_load, session, span

_SOURCES = {"errors": error_event, "requests": span, "pages": page_load, "sessions": session}
# Each table is narrowed where it is read: the one row group that a bound touches is read alone.
_NAMED = union_all(
    *(
        select(
            table.c.organization_id,
            table.c.project_id,
            table.c.timestamp,
            table.c.environment,
            table.c.release,
            table.c.user_key,
            literal(name).label("source"),
        ).where(
            table.c.organization_id == ORGANIZATION,
            table.c.project_id == PROJECT,
            table.c.timestamp >= SINCE,
            table.c.timestamp < UNTIL,
            table.c.user_key.is_not(None),
        )
        for name, table in _SOURCES.items()
    )
).subquery("people")
PEOPLE = Rows(
    name="people",
    within=lambda scope: within(_NAMED, scope),
    at=_NAMED.c.timestamp,
    dimensions={
        "source": _NAMED.c.source,
        "environment": _NAMED.c.environment,
        "release": _NAMED.c.release,
    },
)


def active() -> Measure:
    """How many people did anything; samples are the records that name one."""
    return Measure(PEOPLE, func.count(_NAMED.c.user_key.distinct()), RECEIVED)
