"""A real N+1 of an ORM: found in one release, seen to be fixed in the next, in both lifecycles."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.clients.orm_app import BOOKS, REQUESTS
from tests.support.databases import ROOT
from tests.support.live import Connected

LIFECYCLES = ("static", "stream")
PATIENCE = 60.0  # detection looks every ten seconds at what is five seconds old


@pytest.mark.slow
def test_lazy_loading_is_found_and_selectinload_is_its_fix(console, capsys):
    projects = {lifecycle: console.project(f"books {lifecycle}") for lifecycle in LIFECYCLES}
    for lifecycle, project in projects.items():
        run(project, lifecycle, "books@1")
    found = {lifecycle: waited(project, "open") for lifecycle, project in projects.items()}
    for lifecycle, project in projects.items():
        assert_it_is_told(found[lifecycle])
        run(project, lifecycle, "books@2")
    for lifecycle, project in projects.items():
        fixed = waited(project, "resolved")
        assert fixed["id"] == found[lifecycle]["id"]
        assert (fixed["fixed_in_release"], fixed["last_release"]) == ("books@2", "books@1")
        assert project.get("performance/findings")["findings"] == []
    with capsys.disabled():
        for lifecycle in LIFECYCLES:
            told = found[lifecycle]["evidence"]
            print(
                f"\n{lifecycle}: {told['count']} look-ups, {told['total_us'] / 1000:.2f} ms in all"
            )


def assert_it_is_told(finding: dict[str, Any]) -> None:
    evidence = finding["evidence"]
    assert finding["culprit"] == evidence["endpoint"]
    assert finding["culprit"].startswith("GET ")
    assert finding["title"].startswith("N+1 query: SELECT")
    assert evidence["kind"] == "n_plus_one"
    assert evidence["count"] == BOOKS
    assert evidence["subject"].endswith("FROM author WHERE author.id = ?")
    assert "FROM book" in evidence["before"]
    assert "orm_app.py" in evidence["code"]
    assert 0 < evidence["saving_us"] < evidence["total_us"] < evidence["segment_us"]
    assert 1 <= finding["events"] <= REQUESTS  # three of an endpoint are read at a time


def run(project: Connected, lifecycle: str, release: str) -> None:
    """Run the app in a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "tests.clients.orm_app"],
        cwd=ROOT,
        env=os.environ | {"DSN": project.dsn, "LIFECYCLE": lifecycle, "RELEASE": release},
        check=True,
        timeout=60,
    )


def waited(project: Connected, status: str) -> dict[str, Any]:
    """The one finding of this status, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        findings = project.get(f"performance/findings?status={status}")["findings"]
        if findings:
            assert len(findings) == 1, findings
            return dict(findings[0])
        assert time.monotonic() < deadline, f"nothing {status} was found"
        time.sleep(0.5)
