"""What an event is called: title, message, and the variables of its client's fingerprint."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from console.errors.chain import Branch, mechanism_of, type_of
from console.errors.frames import frames_of, innermost, written_place

Event: TypeAlias = Mapping[str, Any]

TITLE_LENGTH = 200
_VARIABLE = re.compile(r"\{\{\s*([\w.]{1,60}?)\s*\}\}")


def message_of(event: Event) -> str:
    """The event's message with its parameters in it."""
    entry = event.get("logentry")
    if isinstance(entry, dict):
        return _text(entry.get("formatted")) or _text(entry.get("message"))
    return _text(entry) or _text(event.get("message"))


def title(event: Event, caught: Sequence[Branch]) -> str:
    """The title of the event: "KeyError: 'book'", or the first line of its message.

    Of a group of exceptions, the first member's, "and 2 more" if others went wrong elsewhere or
    otherwise. What has neither is called by what names it: a code, a directive, a thread's state.
    """
    if caught:
        more = _different(event, caught)
        end = f" and {more} more" if more else ""
        return f"{_of_branch(caught[0], event)[: TITLE_LENGTH - len(end)]}{end}"
    words = (
        name(event)
        for name in (message_line, _of_logged_fields, _directive, _thread_state, _fallback)
    )
    return next(filter(None, words), "(no message)")[:TITLE_LENGTH]


def kind(caught: Sequence[Branch]) -> str:
    """The type of the event's error: the one in its title, so that lists and filters agree.

    What caused it has its own type on the event's page. An error without a type has the first of
    its causes that says something.
    """
    if not caught:
        return ""
    return _text(caught[0].named_by.get("type")) or _text(caught[0].telling.get("type"))


def message_line(event: Event) -> str:
    """The first line of the message that says something."""
    return _first_line(message_of(event))


def _different(event: Event, caught: Sequence[Branch]) -> int:
    """How many members are not the same error as the first, counting equal ones once."""
    platform = _text(event.get("platform"))
    places = (str(written_place(innermost(branch.main, platform))) for branch in caught)
    errors = ((type_of(branch.main), _text(branch.main.get("value"))) for branch in caught)
    return len({(kind, at or value) for (kind, value), at in zip(errors, places, strict=True)}) - 1


def _of_branch(branch: Branch, event: Event) -> str:
    named = branch.named_by
    value = _text(named.get("value"))
    if named is not branch.main and _text(branch.main.get("type")).startswith("*"):
        value = _text(branch.main.get("value"))  # Go's wrappers say what was tried, then the cause
    words = (_text(named.get("type")), _first_line(value))
    if any(words):
        return ": ".join(filter(None, words))
    return _of_mechanism(named) or message_line(event) or _fallback(event) or "(no message)"


def _of_mechanism(exception: Mapping[str, Any]) -> str:
    """An error of a system that has a number instead of a text: "NSCocoaErrorDomain: code 4"."""
    mechanism = mechanism_of(exception)
    meta = _mapping(mechanism.get("meta"))
    error, signal, mach = (
        _mapping(meta.get(name)) for name in ("ns_error", "signal", "mach_exception")
    )
    if domain := _text(error.get("domain")):
        return f"{domain}: code {error['code']}" if isinstance(error.get("code"), int) else domain
    named = _text(mach.get("name")) or _text(signal.get("name"))
    return named or _text(mechanism.get("description")) or _text(mechanism.get("type"))


def _directive(event: Event) -> str:
    """Of a report of the browser's content security policy."""
    report = _mapping(event.get("csp"))
    directive = _text(report.get("effective_directive")) or _text(report.get("violated_directive"))
    if not directive:
        return ""
    blocked = _text(report.get("blocked_uri")) or "inline"
    return f"Blocked '{directive.split()[0]}' from '{blocked}'"


def marked_threads(event: Event) -> Sequence[Mapping[str, Any]]:
    """The threads that say where the event was: those that crashed first, then the current one."""
    listed = _mapping(event.get("threads")).get("values")
    threads = (
        [thread for thread in listed if isinstance(thread, dict)]
        if isinstance(listed, list)
        else []
    )
    return [
        thread for mark in ("crashed", "current") for thread in threads if thread.get(mark) is True
    ] or threads[:1]


def _thread_state(event: Event) -> str:
    """Of an event that is about threads: where the crashed or the current one stood."""
    for thread in marked_threads(event)[:1]:
        named = "Thread" if thread.get("id") is None else f"Thread {thread['id']}"
        frames = frames_of(thread)
        place = str(written_place(frames[-1])) if frames else ""
        state = _text(thread.get("state")) or ("crashed" if thread.get("crashed") is True else "")
        words = " in ".join(filter(None, (state.lower(), place)))
        return f"{_text(thread.get('name')) or named}: {words}" if words else ""
    return ""


def _of_logged_fields(event: Event) -> str:
    """The message or error among the fields of a log record, as Rust's tracing has them."""
    fields = _mapping(_mapping(event.get("contexts")).get("Rust Tracing Fields"))
    return next(filter(None, (_text(fields.get(name)) for name in ("message", "error"))), "")


def _fallback(event: Event) -> str:
    place = str(written_place(innermost(event, _text(event.get("platform")))))
    named = (_text(event.get(name)) for name in ("transaction", "culprit", "logger"))
    return place or next(filter(None, named), "")


def filled_in(part: str, event: Event, caught: Sequence[Branch]) -> str:
    """A part of a client's fingerprint with its variables, such as {{ message }}, in it.

    What the event does not have is "<no-message>", as Sentry writes it; what is no variable stays.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("tags."):
            tags = _mapping(event.get("tags"))
            return _text(tags.get(name.removeprefix("tags."))) or f"<no-{name}>"
        reader = _VARIABLES.get(name)
        return (reader(event, caught) or f"<no-{name}>") if reader else match[0]

    return _VARIABLE.sub(value, part)


def _variable(name: str) -> Callable[[Event, Sequence[Branch]], str]:
    return lambda event, _caught: _text(event.get(name))


def _of_main(name: str) -> Callable[[Event, Sequence[Branch]], str]:
    return lambda _event, caught: _text(caught[0].main.get(name)) if caught else ""


def _of_frame(name: str) -> Callable[[Event, Sequence[Branch]], str]:
    def read(event: Event, caught: Sequence[Branch]) -> str:
        holder = caught[0].main if caught else event
        return _text(innermost(holder, _text(event.get("platform"))).get(name))

    return read


def _message(event: Event, caught: Sequence[Branch]) -> str:
    return message_of(event) or (_text(caught[0].main.get("value")) if caught else "")


_VARIABLES: Mapping[str, Callable[[Event, Sequence[Branch]], str]] = {
    **{
        name: _variable(name)
        for name in ("transaction", "level", "logger", "release", "environment")
    },
    "message": _message,
    **dict.fromkeys(("error.type", "type"), _of_main("type")),
    "error.value": _of_main("value"),
    **dict.fromkeys(("stack.function", "function"), _of_frame("function")),
    **dict.fromkeys(("stack.module", "module"), _of_frame("module")),
    **dict.fromkeys(("stack.package", "package"), _of_frame("package")),
    "stack.abs_path": _of_frame("abs_path"),
}


def _first_line(text: str) -> str:
    return next((line.strip() for line in text[:4000].splitlines() if line.strip()), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
