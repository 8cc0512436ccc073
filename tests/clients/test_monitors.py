"""Monitors of unmodified clients: sentry-cli around a command, and the decorators of SDKs."""

import os
import subprocess
import sys
import time

import pytest

from tests.clients.test_sessions import number
from tests.support import javascript

CLI = javascript.PACKAGES / "@sentry" / "cli" / "bin" / "sentry-cli"
PYTHON = """
import os, sentry_sdk
from sentry_sdk.crons import monitor
sentry_sdk.init(dsn=os.environ["DSN"], environment="staging")
config = {"schedule": {"type": "interval", "value": 1, "unit": "hour"}, "checkin_margin": 1}

@monitor(monitor_slug="fine", monitor_config=config)
def fine():
    pass

@monitor(monitor_slug="broken", monitor_config=config)
def broken():
    raise ValueError("no")

fine()
try:
    broken()
except ValueError:
    pass
sentry_sdk.flush(10)
"""
NODE = """
import * as Sentry from "@sentry/node";
Sentry.init({ dsn: process.env.DSN });
const config = { schedule: { type: "crontab", value: "0 3 * * 1-5" }, timezone: "Europe/Berlin" };
Sentry.withMonitor("fine", () => {}, config);
try { Sentry.withMonitor("broken", () => { throw new Error("no"); }, config); } catch {}
await Sentry.flush(10000);
"""


def monitored(project, kind="monitor"):
    """The share of runs that went well, by monitor, as soon as all of them are there."""
    deadline = time.monotonic() + 30
    while True:
        found = number(project, "checks.uptime", by="check", **{"where.kind": kind})
        if len(found) == 2 or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def cli(project, slug, *command, code=0, options=()):
    done = subprocess.run(
        [javascript.node(), CLI, "monitors", "run", *options, slug, "--", *command],
        env=os.environ | {"SENTRY_DSN": project.dsn},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.node
def test_sentry_cli(console):
    project = console.project("cli monitors")
    options = ("--schedule", "0 * * * *", "--timezone", "Europe/Berlin", "--check-in-margin", "5")
    cli(project, "nightly-backup", "true", options=options)
    cli(project, "nightly-report", "sh", "-c", "exit 3", code=3)
    counted = project.wait_for(check_in=4)
    assert counted == {("check_in", "stored"): 4}
    assert monitored(project) == {"nightly-backup": (1.0, 1), "nightly-report": (0.0, 1)}


def test_python(console):
    project = console.project("python monitors")
    subprocess.run(
        [sys.executable, "-c", PYTHON],
        env=os.environ | {"DSN": project.dsn},
        check=True,
        timeout=60,
    )
    counted = project.wait_for(check_in=4)
    assert counted["check_in", "stored"] == 4
    assert monitored(project) == {"fine@staging": (1.0, 1), "broken@staging": (0.0, 1)}
    assert number(project, "checks.uptime", by="environment") == {"staging": (0.5, 2)}


@pytest.mark.node
def test_node(console, tmp_path):
    project = console.project("node monitors")
    javascript.run(NODE, tmp_path, DSN=project.dsn)
    counted = project.wait_for(check_in=4)
    assert counted["check_in", "stored"] == 4
    assert monitored(project) == {"fine": (1.0, 1), "broken": (0.0, 1)}
