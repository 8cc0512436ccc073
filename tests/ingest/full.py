"""A spool that can take no row for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.ingest.spool import Spool, SpoolUnavailable


@contextmanager
def filled(spool: Spool) -> Iterator[None]:
    """Within it, the spool refuses every row as it does while the disk is full."""

    def refuse(_row: object) -> int:
        raise SpoolUnavailable("the spool cannot take more: database or disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "append", refuse)
        yield
