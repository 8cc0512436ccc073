"""What each organization has in the spool: rows that wait and dead letters, counted by SQLite."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

FRESH_SECONDS = 0.25  # how old what is known of the file may be
LETTERS_PART = 4  # dead letters may take a quarter of the room

# Triggers: exact after any crash, and for all processes that append. They cost an accept 10 µs of
# CPU; counting 50,000 rows took 20 ms, once a second.
SCHEMA = """
CREATE TABLE IF NOT EXISTS holding (
    organization_id INTEGER PRIMARY KEY,
    rows INTEGER NOT NULL, size INTEGER NOT NULL,
    letters INTEGER NOT NULL, letters_size INTEGER NOT NULL
);
INSERT INTO holding
    SELECT organization_id, sum(rows), sum(size), sum(letters), sum(letters_size)
    FROM (SELECT organization_id, 1 AS rows, length(sealed) AS size,
                 0 AS letters, 0 AS letters_size FROM waiting
          UNION ALL SELECT organization_id, 0, 0, 1, length(sealed) FROM dead_letter)
    WHERE NOT EXISTS (SELECT 1 FROM holding) GROUP BY organization_id;
CREATE TRIGGER IF NOT EXISTS waiting_comes AFTER INSERT ON waiting BEGIN
    INSERT INTO holding VALUES (new.organization_id, 1, length(new.sealed), 0, 0)
    ON CONFLICT DO UPDATE SET rows = rows + 1, size = size + excluded.size;
END;
CREATE TRIGGER IF NOT EXISTS waiting_goes AFTER DELETE ON waiting BEGIN
    UPDATE holding SET rows = rows - 1, size = size - length(old.sealed)
    WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER IF NOT EXISTS letter_comes AFTER INSERT ON dead_letter BEGIN
    INSERT INTO holding VALUES (new.organization_id, 0, 0, 1, length(new.sealed))
    ON CONFLICT DO UPDATE SET letters = letters + 1,
        letters_size = letters_size + excluded.letters_size;
END;
CREATE TRIGGER IF NOT EXISTS letter_goes AFTER DELETE ON dead_letter BEGIN
    UPDATE holding SET letters = letters - 1, letters_size = letters_size - length(old.sealed)
    WHERE organization_id = old.organization_id;
END;
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one organization has in the spool; sizes in bytes, as sealed."""

    rows: int = 0
    size: int = 0
    letters: int = 0
    letters_size: int = 0


def held(db: sqlite3.Connection) -> Mapping[int, Holding]:
    """What each organization has in the spool; organizations without rows may be missing."""
    query = "SELECT * FROM holding WHERE rows > 0 OR letters > 0"
    return {row[0]: Holding(*row[1:]) for row in db.execute(query)}


class Shares:
    """How much of the spool each organization fills, and whether its share is used up.

    An organization may have as much as stays free for the others: if it is alone, half of the
    room; two have a third each. So a new one always finds room, however much the others send.
    """

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is the largest file."""
        self.letters_room = max_bytes // LETTERS_PART
        self._most = max_bytes - self.letters_room
        self._room = self._most
        self._waiting = self._letters = 0
        self._held: Mapping[int, Holding] = {}
        self._since: Counter[int] = Counter()
        self._looked_at = -FRESH_SECONDS

    @property
    def is_old(self) -> bool:
        """Whether the file should be looked at again: other processes append, and digest drops."""
        return monotonic() - self._looked_at > FRESH_SECONDS

    @property
    def largest(self) -> int:
        """The bytes that an organization may have when no other has any."""
        return self._room // 2

    def look(self, db: sqlite3.Connection) -> None:
        """Learn what is in the file now."""
        self._looked_at = monotonic()  # also when it fails: not for every row again
        self._held = held(db)  # what is appended since has waited for this thread, which commits
        self._since = Counter()
        self._waiting = sum(holding.size for holding in self._held.values())
        self._letters = sum(holding.letters_size for holding in self._held.values())
        self._room = self._most - self._letters

    @property
    def is_nearly_used_up(self) -> bool:
        """Whether all organizations together leave a tenth of the room or less."""
        return self._waiting + self._since.total() >= self._room * 9 // 10

    @property
    def letters_are_full(self) -> bool:
        """Whether dead letters leave a tenth of their room or less."""
        return self._letters >= self.letters_room * 9 // 10

    def add(self, organization_id: int, size: int) -> None:
        """Count a row in that was appended since."""
        self._since[organization_id] += size

    def is_full(self, organization_id: int) -> bool:
        """Whether the organization has no room left in its share."""
        mine = self._held.get(organization_id, Holding()).size + self._since[organization_id]
        return mine > max(self._room - self._waiting - self._since.total(), 0)


def oldest(
    db: sqlite3.Connection, organization_id: int | None, project_id: int | None
) -> int | None:
    """When the first row that waits came, of all, an organization or a project; microseconds."""
    chosen = [number for number in (organization_id, project_id) if number is not None]
    names = ("organization_id = ?", "project_id = ?")[: len(chosen)]
    whose = f"WHERE {' AND '.join(names)}" if names else ""
    query = f"SELECT received_at FROM waiting {whose} ORDER BY position LIMIT 1"  # noqa: S608 - constants
    row = db.execute(query, chosen).fetchone()
    return None if row is None else int(row[0])
