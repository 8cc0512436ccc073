"""The kinds of findings, each declared once: its name in stored events, its words for people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingKind:
    """One kind of performance problem that detectors report."""

    name: str
    title: str
    """What the inbox calls it."""
    heading: str
    """The heading above its statement or place."""
    remedy: str
    """What usually helps."""
    repeats: bool = False
    """Whether its count tells how bad it is; else its time does."""
    has_spans: bool = True
    """Whether it consists of spans; a gap is the time between them."""


N_PLUS_ONE = FindingKind(
    name="n_plus_one",
    title="N+1 query",
    heading="Repeated statement",
    remedy="Fetch all rows with one statement: a join, or one look-up with an IN list "
    "(SQLAlchemy: selectinload or joinedload; Django: select_related or prefetch_related; "
    "Rails: includes; Prisma: include).",
    repeats=True,
)
WRITE_LOOP = FindingKind(
    name="write_loop",
    title="Writes one by one",
    heading="Repeated statement",
    remedy="Write all rows with one statement: executemany, bulk_create, insert_all, or one "
    "INSERT with many rows.",
    repeats=True,
)
SLOW_QUERY = FindingKind(
    name="slow_query",
    title="Slow query",
    heading="Slow statement",
    remedy="Look at its plan (EXPLAIN ANALYZE): an index that is missing or not used, more "
    "rows or columns than are needed, or a lock that it waits for.",
)
REPEATED_CALL = FindingKind(
    name="repeated_call",
    title="Repeated HTTP call",
    heading="Repeated request",
    remedy="Ask once for all: an endpoint that takes a list of ids, a cache, or requests "
    "that run at the same time.",
    repeats=True,
)
GAP = FindingKind(
    name="gap",
    title="Gap without instrumentation",
    heading="Where",
    remedy="No span says what the program does in this time. Put one around the work that you "
    "suspect, or run a profiler there; waiting for a lock and plain computing look like this too.",
    has_spans=False,
)
FINDING_KINDS = (N_PLUS_ONE, WRITE_LOOP, SLOW_QUERY, REPEATED_CALL, GAP)
_UNKNOWN = FindingKind(name="", title="Finding", heading="Statement", remedy="")
_BY_NAME = {kind.name: kind for kind in FINDING_KINDS}


def kind_of(name: str) -> FindingKind:
    """The kind of this name; a kind without words if another version of Pharos stored the name."""
    return _BY_NAME.get(name, _UNKNOWN)
