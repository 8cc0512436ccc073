"""What a running console writes to standard error."""

import logging

from console.core.logs import FORMAT, Formatter


def test_nothing_that_was_sent_forges_a_line_or_speaks_to_the_terminal():
    sent = "Checkout\n2026-11-28T00:00:00.000+00:00 INFO console: all is well\x1b[2J\u202e\x9b31m\r"
    failure = (ValueError, ValueError(sent), None)
    record = logging.LogRecord(
        "console.errors", logging.ERROR, "x.py", 1, "%s failed", (sent,), failure
    )
    text = Formatter(FORMAT).format(record)
    first, *others = text.split("\n")
    assert first.endswith(" ERROR console.errors: Checkout")
    assert all(line.startswith("  ") for line in others)
    assert not set(text) & set("\x1b\u202e\x9b\r")
    assert text.count(r"\x1b[2J\u202e\x9b31m\r") == 2
