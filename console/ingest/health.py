"""Why this process cannot do what it is there for, as codes: for a load balancer and for people."""

from console.ingest import pipeline, spool
from console.telemetry import store

DIGEST_ENDED = "digest-ended"
DECODERS = "decoders-do-not-start"


def reasons() -> list[str]:
    """Codes for what stops ingest or digest as a whole; none if everything works."""
    ended = [] if pipeline.current().alive() else [DIGEST_ENDED]
    trouble = spool.current().trouble()
    return [*ended, trouble] if trouble else ended


def remarks() -> list[str]:
    """What stops nobody else's data, or only slows it, with its code first."""
    lines = [f"telemetry-damaged: organization {id_}" for id_ in damaged_telemetry()]
    if trouble := decoders():
        lines.append(f"{DECODERS}: {trouble}")
    return lines


def decoders() -> str:
    """Why events are decoded more slowly than they might be; "" if nothing is wrong."""
    if not pipeline.current().decoders.trouble:
        return ""
    return "no process that decodes can be started, so the digest thread decodes alone"


def damaged_telemetry() -> list[int]:
    """The organizations whose telemetry file is damaged or gone; the others go on untouched."""
    return sorted(store.current().damages())
