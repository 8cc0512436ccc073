"""A restore in a process of its own, which ends at a chosen step as if it were killed there."""

import os
from pathlib import Path

from console.backup import restoration
from console.backup.manifest import Manifest
from console.backup.verification import Check
from console.core.config import Config

KILLED = 9


def unverified(folder: Path, _settings: Config) -> tuple[Manifest, list[Check]]:
    """What `verify` says of a good backup, without looking: that is tested, and takes a while."""
    return Manifest.read(folder), [Check(good=True, sentence="good")]


def restore_and_die(folder: Path, settings: Config, at: int) -> None:
    """End at the step with this number, counted from 1."""
    steps = 0

    def count(_name: str) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            os._exit(KILLED)

    setattr(restoration, "verify", unverified)  # noqa: B010 - a changed function
    restoration.step = count
    restoration.restore(folder, settings)
    os._exit(0)


def settle_and_die(instance: Path, at: int) -> None:
    """End at a step of settling what an interrupted restore has left."""
    steps = 0

    def count(_name: str) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            os._exit(KILLED)

    restoration.step = count
    restoration.settle_alone(instance)
    os._exit(0)
