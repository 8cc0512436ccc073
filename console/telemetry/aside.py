"""Sets damaged or missing files aside, so that new ones take their places."""

from pathlib import Path

ASIDE = ".set-aside-"
"""Stands in the name of a file that was set aside, before the time."""


def begin_anew(folder: Path, organization_id: int, stamp: str) -> Path:
    """Allow a new file in the place of a missing one; an empty marker file notes it."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{organization_id}.duckdb{ASIDE}{stamp}"
    note.touch(mode=0o600)
    return note


def set_aside(folder: Path, organization_id: int, stamp: str) -> Path:
    """Rename an organization's file, so that a new one is made; works beside a running console.

    Raises FileNotFoundError when there is none.
    """
    path = folder / f"{organization_id}.duckdb"
    aside = path.with_name(f"{path.name}{ASIDE}{stamp}")
    log_of = path.with_name(f"{path.name}.wal")
    path.rename(aside)
    if log_of.exists():
        log_of.rename(aside.with_name(f"{aside.name}.wal"))
    return aside
