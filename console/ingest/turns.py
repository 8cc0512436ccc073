"""Which rows digest takes next: organizations take turns, so a flood from one delays no other.

The rows of an organization are digested in order, as the stores need it; between organizations
there is no order. A round is shared evenly (max-min fair): an organization with less than an even
share gets all of it, and the others share the rest. An organization that was quiet comes first, and
waits for at most one turn of another.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time

from console.ingest.holdings import Holding
from console.ingest.spool import Spool, SpoolRow

ROUND_ROWS = 500
ROUND_BYTES = 16 << 20
LEAST_ROWS = 10  # of a turn: its three commits cost as much as some rows
LEAST_BYTES = 1 << 20
# Of processor time: an organization whose rows take long gets fewer of them in a turn. Not of the
# clock's: where commits are slow, turns would become shorter and commits more.
TURN_SECONDS = 0.3
# Of the turns of all in one round, as far as these are longer: whoever comes meanwhile waits for no
# more than that, and fewer turns are fewer commits.
ROUND_SECONDS = 1.0
AHEAD_ROWS, AHEAD_BYTES = 128, 2 << 20  # that are read before their turn
# A turn ends after so much even so: its rows may take a thousand times as long as the last turn's,
# and 500 of 7 kB that inflate to 4 MB of hostile texts take forty minutes.
LONGEST_TURN_SECONDS = 3.0


@dataclass(slots=True)
class Ahead:
    """Rows that were read before their organization's turn, the first ones after a position."""

    organization_id: int
    after: int
    rows: Sequence[SpoolRow]
    is_next: bool = False
    """Whether everything up to that position is digested, so that they come next."""


class Turns:
    """Reads the spool for digest, an organization's turn at a time; for one thread."""

    def __init__(self, spool: Spool, spent: Callable[[], float] = thread_time) -> None:
        """Begin with the first row of everybody; the stores know what they have.

        `spent` tells how much processor time digesting took up to now.
        """
        self._spool = spool
        self._spent = spent
        self._digested: dict[int, int] = {}  # positions whose rows are still in the spool
        self._busy: dict[int, int] = {}  # in the order of their turns, with what each owes in bytes
        self._pace: dict[int, float] = {}  # rows per second
        self._ahead: Ahead | None = None
        self._reached = 0  # the last position that was digested in the present turn

    def round(self, resting: Collection[int] = ()) -> Iterator[tuple[int, Sequence[SpoolRow]]]:
        """One turn of each organization with rows, as (organization id, rows).

        Those `resting` have none. Whoever takes the rows calls `digested` when they are stored;
        otherwise they come again.
        """
        served: set[int] = set()
        taken = 0
        while True:
            held = self._spool.held()
            present = {id_: held[id_] for id_ in held if held[id_].rows and id_ not in resting}
            self._busy = {id_: owed for id_, owed in self._busy.items() if id_ in present}
            organization_id = self._next(present.keys() - served)
            if organization_id is None and not taken and self._busy:
                served.clear()  # all that have rows pay for large ones: there is no one to wait for
                organization_id = self._next(present.keys())
            if organization_id is None:
                return
            served.add(organization_id)
            rows = self._turn(organization_id, present)
            if rows:
                taken += len(rows)
                began, self._reached = self._spent(), 0
                yield organization_id, rows
                done = sum(row.position <= self._reached for row in rows) or len(rows)
                self._pace[organization_id] = done / max(self._spent() - began, 1e-3)
                if done < len(rows):
                    self._busy.setdefault(organization_id, 0)

    @property
    def busy(self) -> bool:
        """Whether somebody has more rows than were taken in the last turn."""
        return bool(self._busy)

    def digested(self, organization_id: int, position: int) -> None:
        """Go on behind this position in the organization's next turn."""
        self._digested[organization_id] = self._reached = position
        if self._ahead is not None and self._ahead.organization_id == organization_id:
            self._ahead.is_next = self._ahead.after == position

    def ahead(self, organization_id: int, after: int) -> Sequence[SpoolRow]:
        """The first rows of its next turn, after a position; none if others wait for theirs."""
        if list(self._busy) != [organization_id]:
            return ()
        rows = self._spool.read(
            after,
            organization_id=organization_id,
            limit_rows=AHEAD_ROWS,
            limit_bytes=AHEAD_BYTES,
        )
        self._ahead = Ahead(organization_id, after, rows)
        return rows

    def forget(self) -> int:
        """Let the spool drop what is digested; return the last position that was, 0 if none."""
        digested = dict(self._digested)
        if digested:
            self._spool.forget(digested)
        for organization_id in digested:
            del self._digested[organization_id]  # nothing before it is left to be read again
        return max(digested.values(), default=0)

    def _next(self, candidates: Collection[int]) -> int | None:
        """The next organization: one that was not busy lately, else the one that waited longest."""
        fresh = [id_ for id_ in candidates if id_ not in self._busy]
        return min(fresh) if fresh else next((id_ for id_ in self._busy if id_ in candidates), None)

    def _turn(self, organization_id: int, present: Mapping[int, Holding]) -> Sequence[SpoolRow]:
        """The organization's rows of this turn; none while it pays for a large row."""
        most_rows = max(
            fair_share([holding.rows for holding in present.values()], ROUND_ROWS), LEAST_ROWS
        )
        size = max(
            fair_share([holding.size for holding in present.values()], ROUND_BYTES), LEAST_BYTES
        )
        owed = self._busy.pop(organization_id, 0)
        if owed >= size:
            self._busy[organization_id] = owed - size
            return []
        if organization_id in self._pace:
            seconds = max(TURN_SECONDS, ROUND_SECONDS / len(present))
            most_rows = min(most_rows, max(int(self._pace[organization_id] * seconds), 1))
        rows = self._read(organization_id, most_rows, size - owed)
        taken = owed + sum(len(row.body) for row in rows)
        if len(rows) == most_rows or taken > size // 2:  # else nothing more waits
            self._busy[organization_id] = max(taken - size, 0)
        return rows

    def _read(self, organization_id: int, most_rows: int, most_bytes: int) -> list[SpoolRow]:
        """The organization's next rows, at least one; some of them may have been read before."""
        ahead, self._ahead = self._ahead, None
        rows: list[SpoolRow] = []
        if ahead is not None and ahead.is_next and ahead.organization_id == organization_id:
            rows = list(ahead.rows[:most_rows])
        after = rows[-1].position if rows else self._digested.get(organization_id, 0)
        size = sum(len(row.body) for row in rows)
        if len(rows) < most_rows and size < most_bytes:
            rows += self._spool.read(
                after,
                organization_id=organization_id,
                limit_rows=most_rows - len(rows),
                limit_bytes=most_bytes - size,
            )
        return rows


def fair_share(amounts: Sequence[int], budget: int) -> int:
    """The largest amount for each, so that the budget is used up (max-min fair).

    It is the whole budget if that is more than enough.
    """
    left, share = budget, budget
    for number, amount in enumerate(sorted(amounts)):
        share = left // (len(amounts) - number)
        if amount > share:
            return share
        left -= amount
    return budget
