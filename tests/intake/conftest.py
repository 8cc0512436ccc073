"""The tests of the ledger store as those of ingest do."""

from tests.ingest.conftest import stored

__all__ = ["stored"]
