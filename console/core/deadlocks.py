"""Transactions that PostgreSQL ends because they wait for each other are made again.

Rows of a project refer to it and to each other: whoever deletes it meets those who write them, and
no order of locks suits all. Once the other one has committed, nothing is in the way.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from console.core.database_errors import is_deadlock
from console.core.db import db

TIMES = 5
Result = TypeVar("Result")


def again(work: Callable[[], Result]) -> Result:
    """What work that is one whole transaction returns, begun anew after each of some deadlocks."""
    for _ in range(TIMES - 1):
        try:
            return work()
        except DBAPIError as error:
            db.session.rollback()
            if not is_deadlock(error):
                raise
    return work()
