"""The highest steady rate of events that are accepted and digested at once, without a queue.

An open loop: each event is sent at its time, whether the ones before it were answered or not, over
16 connections. The rate rises by a quarter until events wait longer than they may; then 90 % of the
last rate that held is kept up for some minutes. Each event is sent once, its id is fresh. The load
generator shares the machine with the console, and its own processor time is printed.

    python bench/sustained.py --size small|large [--seconds 300]
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.ingest import Console, python, tell

FIRST = {"small": 150.0, "large": 60.0}  # events a second
STEP = 1.25
HELD = 0.9  # of the knee
PAUSE = 3.0
CONNECTIONS = 16
LONGEST_WAIT = 2.0  # seconds until an event is visible (DESIGN.md, budgets)
MET = 0.98  # of the rate, by the requests that were answered


@dataclass(frozen=True, slots=True)
class Held:
    """How the console did at a rate."""

    rate: float
    figures: dict[str, Any]

    @property
    def steady(self) -> bool:
        """Whether all was taken in time, and nothing waited longer than it may."""
        figures = self.figures
        if set(figures["codes"]) != {"200"} or figures["per_second"] < MET * self.rate:
            return False
        return bool(figures["longest_wait_seconds"] <= LONGEST_WAIT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(FIRST), default="large")
    parser.add_argument("--seconds", type=float, default=300, help="of the rate that is kept up")
    parser.add_argument("--step-seconds", type=float, default=20, help="of each rate before")
    parser.add_argument("--first", type=float, help="the rate to begin with")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        envelope = Path(folder) / "exception.envelope"
        python(
            "bench/envelope.py", str(envelope), *(["--small"] if options.size == "small" else [])
        )
        tell("event", size=options.size, bytes=envelope.stat().st_size)
        with Console(Path(folder) / "instance") as console:
            knee = found_knee(console, envelope, options)
            kept = run(console, envelope, knee * HELD, options.seconds)
        tell("sustained", size=options.size, steady=kept.steady, knee=round(knee), **kept.figures)


def found_knee(console: Console, envelope: Path, options: argparse.Namespace) -> float:
    """The last rate that held."""
    rate, knee = options.first or FIRST[options.size], 0.0
    while True:
        step = run(console, envelope, rate, options.step_seconds)
        tell("step", steady=step.steady, **step.figures)
        if not step.steady:
            break
        rate, knee = rate * STEP, rate
    if not knee:
        raise SystemExit(f"{rate:.0f} events a second are too many to begin with: see --first")
    return knee


def run(console: Console, envelope: Path, rate: float, seconds: float) -> Held:
    """Send at the rate; nothing waits before, and all is digested after."""
    console.drain()
    time.sleep(PAUSE)
    cpu, sender = console.cpu_seconds(), children_seconds()
    with console.watched() as watched:
        options = ("--conns", str(CONNECTIONS), "--seconds", str(seconds), "--rate", str(rate))
        load = console.load(envelope, "--fresh", *options)
        ended = time.monotonic()
        drained = console.drain() - ended
    requests = load["requests"]
    figures = {
        **load,
        "rate": round(rate),
        "longest_wait_seconds": round(watched["lag"], 2),
        "drained_after_seconds": round(drained, 2),
        "cpu_ms_per_event": round((console.cpu_seconds() - cpu) / requests * 1000, 2),
        "sender_ms_per_event": round((children_seconds() - sender) / requests * 1000, 2),
        "peak_pss_mb": watched["peak"],
        "load_average": round(os.getloadavg()[0], 1),
    }
    return Held(rate, figures)


def children_seconds() -> float:
    """Processor time of the load generators that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
