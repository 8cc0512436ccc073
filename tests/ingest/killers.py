"""A digest in a process of its own, with rows that end it or need more memory than there is."""

import os
import resource
import signal
from multiprocessing.process import BaseProcess
from typing import Any

from console.app import create_app
from console.core.config import Config
from console.ingest import pipeline
from console.ingest.sentry import event_items
from console.ingest.sentry import items as sentry
from console.telemetry.store import TelemetryStore
from tests.support.forks import FORKS

DECODED, COMMITTED = "KillsWhenDecoded", "KillsWhenCommitted"
PATIENCE = 120


def deaths(settings: Config, *, at_withdrawal: int) -> list[int | None]:
    """How each process ended that digested what the ones before left, the last one by itself.

    The process of number `at_withdrawal` ends when it withdraws a dead letter's records.
    """
    ends: list[int | None] = []
    while not ends or ends[-1]:
        last = len(ends) + 1 == at_withdrawal
        ends.append(_ended(FORKS.Process(target=_digest_with_killers, args=(settings, last))))
        assert len(ends) < 20, ends
    return ends


def digested_with_memory(settings: Config, mb: int) -> int | None:
    """How a digest ended that had so much memory, and Python's own formatting of messages."""
    return _ended(FORKS.Process(target=_digest_with_memory, args=(settings, mb)))


def _ended(process: BaseProcess) -> int | None:
    process.start()
    process.join(PATIENCE)
    return process.exitcode


def _digest_with_killers(settings: Config, at_withdrawal: bool) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    decode, write = sentry.decode, TelemetryStore.write

    def decode_or_die(envelope: Any, context: Any) -> Any:
        if any(DECODED.encode() in item.payload for item in envelope.items):
            os.abort()
        return decode(envelope, context)

    def write_and_die(self: Any, organization_id: int, batch: Any, position: int) -> Any:
        written = write(self, organization_id, batch, position)
        if any(event.kind == COMMITTED for event in batch.of("errors")):
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    sentry.decode = decode_or_die
    TelemetryStore.write = write_and_die  # type: ignore[method-assign]
    if at_withdrawal:
        TelemetryStore.withdraw = lambda *_: os.abort()  # type: ignore[method-assign]
    _drain(settings)


def _digest_with_memory(settings: Config, mb: int) -> None:
    by_python = lambda template, params, **_: template % tuple(params or ())  # noqa: E731
    setattr(event_items, "formatted", by_python)  # noqa: B010 - a changed function
    with open("/proc/self/statm", "rb") as sizes:  # noqa: PTH123 - no file
        used = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (mb << 20), used + (mb << 20)))
    _drain(settings)


def _drain(settings: Config) -> None:
    app = create_app(settings)
    with app.app_context():
        pipeline.current().drain()
        pipeline.current().stop()
