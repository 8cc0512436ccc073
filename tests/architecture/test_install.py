"""The scripts that install: what is missing is named at once, and a failed npm is remembered."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.databases import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the scripts and the lock files, with an empty .venv."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for folder in ("console/static", "tests/node", ".venv"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "console/static/package-lock.json").write_text("{}")
    return tmp_path


def run(project: Path, *command: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with nothing but `path` and the shell's own tools."""
    for name in ("sh", "grep", "ls", "cat", "dirname", "id", "date", "rm", "mktemp", "timeout"):
        target = shutil.which(name)
        if target and not (path / name).exists():
            (path / name).symlink_to(target)
    return subprocess.run(
        ["/bin/sh", *command],
        cwd=project,
        env={"PATH": str(path), "HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_all_that_the_tests_lack_stands_in_one_line(project):
    tools = project / "bin"
    program(tools, "id", "echo 1000")  # no root
    program(tools, "ldconfig", "true")  # knows no library
    said = run(project, "tools/system-packages", path=tools)
    assert said.returncode == 1
    (line,) = [one for one in said.stderr.splitlines() if "apt-get install" in one]
    assert {"chromium", "libatomic1", "nodejs", "npm"} <= set(line.split())


def test_a_failed_npm_is_not_tried_again_until_somebody_asks_or_the_lock_changes(project):
    tools, tries = project / "bin", project / "tries"
    program(tools, "npm", f"echo tried >>{tries}; echo no network >&2; exit 1")
    lock = project / "console/static/package-lock.json"
    os.utime(lock, (0, 0))

    def start(kind: str = "optional") -> subprocess.CompletedProcess[str]:
        return run(project, "tools/npm-packages", "console/static", kind, path=tools)

    assert "pages will take htmx and Chart.js from a CDN" in start().stdout
    assert "`make assets` tries again" in start().stdout
    assert tries.read_text().count("tried") == 1
    os.utime(lock, (2**31, 2**31))
    start()
    assert tries.read_text().count("tried") == 2
    assert start("required").returncode == 1
    assert tries.read_text().count("tried") == 3


def test_npm_has_a_time_limit(project):
    tools = project / "bin"
    program(tools, "npm", "exit 0")
    program(tools, "timeout", 'echo limited to $1 s; shift; exec "$@"')
    said = run(project, "tools/npm-packages", "console/static", "optional", path=tools)
    assert "limited to 60 s" in said.stdout
