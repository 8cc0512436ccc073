"""What failed is read at the end of a run, and an error outside of a test fails that test alone."""

import execnet

from tests.support.failures import sendable

pytest_plugins = ["pytester"]
RUN = """
import pytest
from tests.support.failures import Contained, Failures

def pytest_configure(config):
    config.pluginmanager.register(Contained())
    config.pluginmanager.register(Failures())
"""
TESTS = """
import pytest

@pytest.fixture
def lamp():
    raise LookupError("no lamp")

def test_dark(lamp): pass
def test_wrong(): raise ValueError("first line\\nsecond line")
def test_odd(): pass
def test_right(): pass
"""
HOOK = """
def pytest_runtest_logfinish(nodeid):
    if nodeid.endswith("odd"):
        raise SystemExit("a hook of ours")
"""


def test_what_failed_stands_at_the_end_with_the_first_line_of_each_error(pytester):
    pytester.makeconftest(RUN + HOOK)
    pytester.makepyfile(test_lights=TESTS)
    run = pytester.runpytest_inprocess("-p", "no:xdist")
    assert run.parseoutcomes() == {"passed": 2, "failed": 2, "errors": 1}
    *_, head, dark, wrong, odd = run.outlines
    assert head == "What failed:"
    assert dark == "test_lights.py::test_dark (setup): LookupError: no lamp"
    assert wrong == "test_lights.py::test_wrong (call): ValueError: first line"
    assert odd == "test_lights.py::test_odd (call): SystemExit: a hook of ours"


def test_an_error_that_ends_the_run_stands_there_too(pytester):
    pytester.makeconftest(RUN + "def pytest_runtestloop(): raise MemoryError('no room')")
    pytester.makepyfile(test_lights=TESTS)
    run = pytester.runpytest_inprocess("-p", "no:xdist")
    after = run.outlines[run.outlines.index("What failed:") :]
    assert after[1] == "Internal error:"
    assert after[-1].endswith("MemoryError: no room")


def test_a_run_without_failures_ends_as_pytest_ends_it(pytester):
    pytester.makeconftest(RUN)
    pytester.makepyfile("def test_right(): pass")
    assert "What failed:" not in pytester.runpytest_inprocess("-p", "no:xdist").outlines


def test_a_report_of_any_text_can_be_sent_by_a_worker():
    report = {"sections": [("Captured log call", "half \ud800 a pair"), ("é", "∞")], "stop": 1.5}
    sent = execnet.loads(execnet.dumps(sendable(report)))
    assert sent["sections"] == [("Captured log call", "half \\ud800 a pair"), ("é", "∞")]
