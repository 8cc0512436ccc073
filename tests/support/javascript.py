"""Runs unmodified JavaScript clients under Node.js."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.databases import ROOT

FOLDER = ROOT / "tests" / "node"
PACKAGES = FOLDER / "node_modules"
PATIENCE = 60


def run(script: str, folder: Path, **environ: str) -> str:
    """Run an ES module that may import what tests/node installs; return what it printed."""
    file = folder / "script.mjs"
    file.write_text(script)
    link = folder / "node_modules"
    if not link.exists():
        link.symlink_to(PACKAGES)
    done = subprocess.run(
        [node(), "--preserve-symlinks", "--preserve-symlinks-main", file],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def bundle(script: str, folder: Path) -> Path:
    """Bundle a browser script with the packages that it imports; return the bundle."""
    source, target = folder / "source.mjs", folder / "bundle.js"
    source.write_text(script)
    subprocess.run(
        [
            PACKAGES / ".bin" / "esbuild",
            source,
            "--bundle",
            f"--outfile={target}",
            "--log-level=error",
        ],
        check=True,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(PACKAGES)},
        timeout=PATIENCE,
    )
    return target


def node() -> str:
    """Where Node.js is: the one brought along where the system's is too old, or the system's."""
    brought = sorted((FOLDER / "runtime" / "node_modules").glob("node-linux-*/bin/node"))
    found = str(brought[0]) if brought else shutil.which("node")
    if found is None or not PACKAGES.exists():
        raise RuntimeError("the tests drive JavaScript clients: `make test` installs them")
    return found
