"""Limits how often the console reports the same fault about itself."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from traceback import walk_tb
from typing import Any

MOST = 5  # reports of one fault in a window
WINDOW_SECONDS = 60.0
REMEMBERED = 500  # faults; a fault is a line of code, so there are not many
OWN = "console."
LEFT_OUT = "left out before"

Fault = tuple[str, ...]


@dataclass(slots=True)
class Window:
    """The reports of one fault since `began`, and how many were left out since the last one."""

    began: float
    sent: int = 0
    left_out: int = 0


class ReportLimit:
    """The SDK's `before_send`: returns the event, or None to leave it out.

    The next report that is sent says how many were left out, so that the count stays true.
    """

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        """`seconds` is the clock."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._windows: OrderedDict[Fault, Window] = OrderedDict()

    def __call__(self, event: Any, hint: dict[str, Any]) -> Any:
        """Count the event; called by any thread. Traces pass: they are sampled already."""
        if event.get("type") == "transaction":
            return event
        now, fault = self._seconds(), fault_of(event, hint)
        with self._lock:
            window = self._windows.setdefault(fault, Window(now))
            self._windows.move_to_end(fault)
            while len(self._windows) > REMEMBERED:
                self._windows.popitem(last=False)
            if now - window.began >= WINDOW_SECONDS:
                window.began, window.sent = now, 0
            if window.sent >= MOST:
                window.left_out += 1
                return None
            window.sent += 1
            left_out, window.left_out = window.left_out, 0
        if left_out:
            event.setdefault("extra", {})[LEFT_OUT] = left_out
        return event


def fault_of(event: Any, hint: dict[str, Any]) -> Fault:
    """What makes two events the same fault: type and place of the exception, or the log's line.

    The place is the innermost line of the console's own: below it, all of a database's faults are
    raised by the same line of its driver.
    """
    kind, _value, trace = hint.get("exc_info") or (None, None, None)
    if kind is not None:
        steps = list(walk_tb(trace))
        own = [step for step in steps if step[0].f_globals.get("__name__", "").startswith(OWN)]
        places = [f"{frame.f_code.co_filename}:{line}" for frame, line in (own or steps)[-1:]]
        return kind.__name__, *places
    record = hint.get("log_record")
    if record is not None:
        return record.name, record.pathname, str(record.lineno)
    return (str(event.get("message", ""))[:200],)
