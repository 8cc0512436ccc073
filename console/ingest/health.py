"""Why this process cannot do what it is there for, as codes: for a load balancer and for people."""

from console.ingest import pipeline, spool
from console.telemetry import store

DIGEST_ENDED = "digest-ended"


def reasons() -> list[str]:
    """Codes for what stops ingest or digest as a whole; none if everything works."""
    ended = [] if pipeline.current().alive() else [DIGEST_ENDED]
    trouble = spool.current().trouble()
    return [*ended, trouble] if trouble else ended


def damaged_telemetry() -> list[int]:
    """The organizations whose telemetry file is damaged or gone; the others go on untouched."""
    return sorted(store.current().damages())
