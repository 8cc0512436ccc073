"""A stack trace as plain text, to paste into a ticket, a chat or a terminal."""

from collections.abc import Iterator

from console.errors.stacktrace import Frame, Raised, StackTrace


def printout(trace: StackTrace) -> str:
    """The exceptions and frames in the order of the client's language, with their source lines.

    Where the innermost call is printed last, causes come first, as Python prints them; elsewhere
    the main error comes first, as JavaScript and Java do. "" if there is nothing to print.
    """
    chain = trace.exceptions
    if not chain:
        stack = trace.stack or next((thread.stack for thread in trace.threads), None)
        return "\n".join(_frames(stack.raw_order)) if stack else ""
    innermost_last = chain[0].stack.prints_innermost_last
    ordered = reversed(chain) if innermost_last else chain
    return "\n\n".join(
        "\n".join(_raised(exception, innermost_last=innermost_last)) for exception in ordered
    )


def _raised(raised: Raised, *, innermost_last: bool) -> Iterator[str]:
    headline = f"{raised.type}: {raised.value}" if raised.value else raised.type
    frames = _frames(raised.stack.raw_order)
    if innermost_last:
        yield "Traceback (most recent call last):"
        yield from frames
        yield headline
    else:
        yield headline
        yield from frames


def _frames(frames: tuple[Frame, ...]) -> Iterator[str]:
    for frame in frames:
        yield f"  at {frame.words}"
        current = next((line.text.strip() for line in frame.lines if line.is_current), "")
        if current:
            yield f"    {current}"
