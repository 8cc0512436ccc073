"""The tests of detection send and store as those of ingest do."""

from tests.ingest.conftest import accepted, digest, stored, waiting

__all__ = ["accepted", "digest", "stored", "waiting"]
