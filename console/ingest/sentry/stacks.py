"""Stack traces of Sentry events in one shape: frames, their threads, the images of natives."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.errors.chain import is_group
from console.errors.frames import address
from console.ingest.arrival import text
from console.ingest.sentry.shapes import named, objects, whole

PATH_LENGTH = 300  # of an image, of which every frame has a copy
FRAME_LIMIT = 500  # both ends are enough to recognise a recursion


def stacktrace(raw: Any) -> dict[str, Any] | None:
    """The stack trace with its frames in one shape; None if it has no frame."""
    trace = without_middle(raw if isinstance(raw, dict) else {})
    frames = [_frame(frame) for frame in objects(trace.get("frames"))]
    return {**trace, "frames": frames} if frames else None


def without_middle(trace: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stack trace with the ends of its frames, if there are too many."""
    frames = objects(trace.get("frames"))
    if len(frames) <= FRAME_LIMIT:
        return trace
    half = FRAME_LIMIT // 2
    ends = frames[:half] + frames[-half:]
    return {**trace, "frames": ends, "frames_omitted": [half, len(frames) - half]}


def _frame(raw: Mapping[str, Any]) -> dict[str, Any]:
    frame = dict(raw)
    for name in ("pre_context", "post_context"):
        if name in frame and not isinstance(frame[name], list):
            del frame[name]
    for name in ("lineno", "colno"):
        if name in frame:
            frame[name] = whole(frame[name])
    if "vars" in frame:
        frame["vars"] = named(frame["vars"])
    return frame


def lend_stacks(event: Mapping[str, Any]) -> None:
    """Give exceptions without frames the frames of their threads, in place.

    An exception names its thread. The one that was caught may take the frames of the crashed or
    the current thread instead, as clients of native systems send the stack there alone. A thread
    lends once, to the outermost exception that says something: fifty copies of its stack would make
    an event of 4 MB one of 200 MB.
    """
    exceptions = _values(event, "exception")
    threads = [thread for thread in _values(event, "threads") if thread.get("stacktrace")]
    outermost_first = exceptions[::-1]
    for exception in sorted(outermost_first, key=is_group):
        if exception.get("stacktrace"):
            continue
        is_main = exception is exceptions[-1]
        if thread := next(_lenders(exception, threads, is_main=is_main), None):
            exception["stacktrace"] = thread["stacktrace"]
            threads.remove(thread)


def _lenders(
    exception: Mapping[str, Any], threads: Sequence[dict[str, Any]], *, is_main: bool
) -> Iterator[dict[str, Any]]:
    if named_id := text(exception.get("thread_id")):
        yield from (thread for thread in threads if text(thread.get("id")) == named_id)
    for mark in ("crashed", "current") if is_main else ():
        yield from (thread for thread in threads if thread.get(mark) is True)


def place_in_images(event: Mapping[str, Any]) -> None:
    """Give frames that are addresses the image of `debug_meta` that holds them, in place."""
    images = sorted(_images(event), key=lambda image: image[0])
    if not images:
        return
    starts = [start for start, _, _ in images]
    for frame in _frames(event):
        at = address(frame.get("instruction_addr"))
        if at is None:
            continue
        start, end, image = images[max(bisect_right(starts, at) - 1, 0)]
        if not start <= at < end:
            continue
        frame.setdefault("image_addr", image["image_addr"])
        if isinstance(file := image.get("code_file") or image.get("name"), str):
            frame.setdefault("package", file[-PATH_LENGTH:])


def _images(event: Mapping[str, Any]) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    meta = event.get("debug_meta")
    for image in objects(meta.get("images") if isinstance(meta, dict) else None):
        start, size = address(image.get("image_addr")), whole(image.get("image_size"))
        if start is not None and isinstance(size, int) and size > 0:
            yield start, start + size, image


def _frames(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in (event, *_values(event, "exception"), *_values(event, "threads")):
        trace = holder.get("stacktrace")
        yield from trace["frames"] if trace else ()


def _values(event: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = event.get(name, {}).get("values", [])
    return listed
