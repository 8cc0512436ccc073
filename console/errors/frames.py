"""What a stack frame says about where it is, without what changes from build to build."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from console.core.cpu_limit import check_cpu

CONTEXT_LENGTH = 200  # a longer line is minified, or data
REMEMBERED, REMEMBERED_LENGTH = 4096, 1000  # places, of so many characters: 4 MB at most

_LIBRARY = re.compile(
    r"(?:^|[/\\])(?:site-packages|dist-packages|node_modules|vendor|gems|\.cargo|\.m2)[/\\]"
    r"|^(?:node:|<frozen |native\b|\[native code\])|[/\\]lib(?:64)?[/\\]python\d"
)
_ANONYMOUS = frozenset({"", "?", "<anonymous>", "anonymous", "<unknown>", "<lambda>"})
_WRAPPERS = re.compile(
    r"^(?:(?:async|new|get|set|bound|Object|Module|Function|exports|window)[ .]++"
    r"|block(?: \(\d++ levels\))? in )++"
)
_GENERATED = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![0-9a-zA-Z])(?=[0-9a-f]*\d)[0-9a-f]{6,64}(?![0-9a-zA-Z])|\d{2,}|(?<=[$_])\d|(?<=func)\d",
    re.IGNORECASE,
)
_MINIFIED_FILE = re.compile(r"\.min\.(?:m|c)?js|[.-][0-9a-f]{8,}\.(?:m|c)?js", re.IGNORECASE)
_SCRIPT = frozenset({"javascript", "node"})


class Place(NamedTuple):
    """Where a frame is: a module or file, a function, and the source line; "" if not known."""

    module: str
    function: str
    line: str

    def __bool__(self) -> bool:
        return bool(self.function or self.line)

    def __str__(self) -> str:
        function = f"{self.module} in {self.function}" if self.function else self.module
        return f"{function}: {self.line}" if self.line else function


def place(frame: Mapping[str, Any], platform: str = "") -> Place:
    """The frame's place, the same on every host and in every build with the same code there."""
    check_cpu()
    texts = _Texts(
        _text(frame, "platform") or platform,
        _text(frame, "module"),
        _text(frame, "filename"),
        _text(frame, "abs_path"),
        _text(frame, "package"),
        _text(frame, "function"),
        _text(frame, "context_line"),
    )
    if sum(map(len, texts)) > REMEMBERED_LENGTH:
        return _place_of.__wrapped__(texts)
    return _place_of(texts)


class _Texts(NamedTuple):
    """All that the place of a frame depends on."""

    platform: str
    module: str
    filename: str
    abs_path: str
    package: str
    function: str
    context_line: str


@lru_cache(maxsize=REMEMBERED)
def _place_of(texts: _Texts) -> Place:
    """The same frames come with every event of a project: a third of grouping's time."""
    line = " ".join(texts.context_line.split())
    return Place(_module(texts), _function(texts), line if len(line) <= CONTEXT_LENGTH else "")


def is_in_app(frame: Mapping[str, Any]) -> bool:
    """Whether the frame is the application's own code: as the client says, else by its path."""
    in_app = frame.get("in_app")
    if isinstance(in_app, bool):
        return in_app
    return not _LIBRARY.search(_text(frame, "abs_path") or _text(frame, "filename"))


def is_minified(frame: Mapping[str, Any], platform: str = "") -> bool:
    """Whether the frame stands in minified JavaScript, so that its names mean nothing."""
    return _is_minified(
        _text(frame, "platform") or platform,
        _text(frame, "filename") or _text(frame, "abs_path"),
        _text(frame, "context_line"),
    )


def frames_of(holder: Any) -> Sequence[Mapping[str, Any]]:
    """The frames of an exception, thread or event, outermost call first."""
    stacktrace = holder.get("stacktrace") if isinstance(holder, dict) else None
    frames = stacktrace.get("frames") if isinstance(stacktrace, dict) else None
    return (
        [frame for frame in frames if isinstance(frame, dict)] if isinstance(frames, list) else []
    )


def _is_minified(platform: str, name: str, context_line: str) -> bool:
    if platform not in _SCRIPT:
        return False
    return len(context_line) > CONTEXT_LENGTH or bool(_MINIFIED_FILE.search(name))


def _module(texts: _Texts) -> str:
    if texts.module and texts.module != "__main__":
        return _GENERATED.sub("*", texts.module)
    name = texts.filename or texts.abs_path or texts.package
    name = name.split("?")[0].split("#")[0].replace("\\", "/")
    name = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*/", "/", name)  # an origin, webpack://, app://
    if name.startswith(("/", "~")) or name[1:3] == ":/":
        name = "/".join(name.split("/")[-2:])  # folders of hosts and releases come before
    name = re.sub(r"(?<=/)\d+(?=/|$)", "*", name)  # a page's own script, at /users/7
    return _GENERATED.sub("*", name.removeprefix("./"))


def _function(texts: _Texts) -> str:
    function = _WRAPPERS.sub("", texts.function.strip())
    function = function.rsplit(".<locals>.", maxsplit=1)[-1].split(" [as ", maxsplit=1)[0]
    if function in _ANONYMOUS or function.endswith((".?", ".<anonymous>")):
        return ""
    if function.startswith("{closure"):  # PHP 8.4 adds file and line
        return ""
    name = texts.filename or texts.abs_path
    if _is_minified(texts.platform, name, texts.context_line):
        return ""
    if len(function) <= 2 and texts.platform == "javascript":
        return ""
    return _GENERATED.sub("*", function)


def _text(frame: Mapping[str, Any], name: str) -> str:
    value = frame.get(name)
    return value if isinstance(value, str) else ""
