"""A real N+1 of an ORM: found in one release, seen to be fixed in the next, in both lifecycles."""

from typing import Any

import pytest

from tests.clients import orm_app
from tests.clients.orm_app import BOOKS, REQUESTS
from tests.support.forks import FORKS
from tests.support.live import Connected
from tests.support.waiting import PATIENCE, until

LIFECYCLES = ("static", "stream")


@pytest.mark.slow
def test_lazy_loading_is_found_and_selectinload_is_its_fix(console, capsys):
    projects = {lifecycle: console.project(f"books {lifecycle}") for lifecycle in LIFECYCLES}
    run(projects, "books@1")
    found = {lifecycle: waited(project, "open") for lifecycle, project in projects.items()}
    for lifecycle in LIFECYCLES:
        assert_it_is_told(found[lifecycle])
    run(projects, "books@2")
    for lifecycle, project in projects.items():
        fixed = waited(project, "resolved")
        assert fixed["id"] == found[lifecycle]["id"]
        assert (fixed["fixed_in_release"], fixed["last_release"]) == ("books@2", "books@1")
        assert project.get("performance/findings")["findings"] == []
    with capsys.disabled():
        for lifecycle in LIFECYCLES:
            told = found[lifecycle]["finding"]
            print(
                f"\n{lifecycle}: {told['count']} look-ups, {told['total_us'] / 1000:.2f} ms in all"
            )


def assert_it_is_told(finding: dict[str, Any]) -> None:
    detected = finding["finding"]
    assert finding["culprit"] == detected["endpoint"]
    assert finding["culprit"].startswith("GET ")
    assert finding["title"].startswith("N+1 query: SELECT")
    assert detected["kind"] == "n_plus_one"
    assert detected["count"] == BOOKS
    assert detected["subject"].endswith("FROM author WHERE author.id = ?")
    assert "FROM book" in detected["before"]
    assert "orm_app.py" in detected["code"]
    assert 0 < detected["saving_us"] < detected["total_us"] < detected["segment_us"]
    assert 1 <= finding["events"] <= REQUESTS  # three of an endpoint are read at a time


def run(projects: dict[str, Connected], release: str) -> None:
    """Run the app in each life cycle, in processes of their own."""
    apps = [
        FORKS.Process(target=orm_app.main, args=(project.dsn, lifecycle, release), daemon=True)
        for lifecycle, project in projects.items()
    ]
    for app in apps:
        app.start()
    for app in apps:
        app.join(PATIENCE)
    assert [app.exitcode for app in apps] == [0, 0]


def waited(project: Connected, status: str) -> dict[str, Any]:
    """The one finding of this status, as soon as there is one."""
    (finding,) = until(
        lambda: project.get(f"performance/findings?status={status}")["findings"],
        f"a finding that is {status}",
        every=0.5,
    )
    return dict(finding)
