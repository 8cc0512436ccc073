"""What each organization has in the spool: rows that wait and dead letters, counted by SQLite."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

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
    """What each organization has in the spool; those with nothing may be left out."""
    query = "SELECT * FROM holding WHERE rows > 0 OR letters > 0"
    return {row[0]: Holding(*row[1:]) for row in db.execute(query)}
