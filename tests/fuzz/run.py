"""Sends generated requests to a console in this process, and keeps what must not have happened."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from tests.fuzz.generate import Generator
from tests.fuzz.people import World
from tests.fuzz.wire import Got, Sent, send

SHOWN = 40


@dataclass
class Run:
    """How many were sent, how they were answered, and the faults."""

    seed: int
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)
    longest: float = 0.0
    renewed: int = 0
    seconds: float = 0.0

    def note(self, number: int, sent: Sent, got: Got) -> None:
        self.answers[f"{got.status // 100}xx"] += 1
        self.longest = max(self.longest, got.seconds)
        if got.is_fault and len(self.faults) < SHOWN:
            why = f"{got.status} {got.error}".strip() + f" after {got.seconds:.1f} s"
            self.faults.append(f"--seed {self.seed} --only {number}: {why}; {sent}")

    @property
    def figures(self) -> dict[str, Any]:
        """The run as one line of figures."""
        return {
            "seed": self.seed,
            "requests": sum(self.answers.values()),
            "answers": dict(sorted(self.answers.items())),
            "faults": self.faults,
            "longest_cpu_seconds": round(self.longest, 2),
            "organizations": self.renewed,
            "seconds": round(self.seconds, 1),
        }


def run(app: Flask, seed: int, numbers: Iterable[int]) -> Run:
    """Send the requests of these numbers; the console must be migrated and empty."""
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=True)
    level = app.logger.level  # of the process: the tests that come after read warnings
    app.logger.setLevel(logging.ERROR)
    world, done, began = World(app), Run(seed), time.monotonic()
    generator, entry = Generator(app, world, seed), app.wsgi_app
    for number in numbers:
        sent = generator.request(number)
        got = send(entry, sent)
        done.note(number, sent, got)
        if sent.method.upper() != "GET" and got.status < 400 and sent.caller in world.people:
            world.look_after(sent.caller)
    digest(app, done)
    app.logger.setLevel(level)
    done.renewed, done.seconds = world.renewed, time.monotonic() - began
    return done


def digest(app: Flask, done: Run) -> None:
    """Digest what ingest has taken, which must end whatever it is."""
    try:
        app.extensions["pharos.pipeline"].drain()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the fault looked for
        done.faults.append(f"--seed {done.seed}: digest ended with {error!r}"[:500])
