"""What a stack frame says about where it is, without what changes from build to build."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from console.core.cpu_limit import check_cpu
from console.errors.function_names import spelled
from console.errors.generated_names import without_bundle_hash, without_generated
from console.errors.system_code import is_foreign, is_standard, is_system

CONTEXT_LENGTH = 200  # a longer line is minified, or data
ADDRESS_LENGTH = 20
REMEMBERED, REMEMBERED_LENGTH = 4096, 1000  # places, of so many characters: 4 MB at most

_ANONYMOUS = frozenset({
    "", "?", "<anonymous>", "anonymous", "<unknown>", "<lambda>", "(anonymous)", "__ANON__",
    "global code", "module code", "eval code", "<anonymous closure>", "<fn>", "<redacted>",
})  # fmt: skip
# Python from 3.12 on runs comprehensions as part of the function that they stand in; what runs
# asynchronous functions in a script depends on the browsers that it was compiled for.
_LEFT_OUT = frozenset({
    "<listcomp>", "<dictcomp>", "<setcomp>", "__awaiter", "__generator", "asyncGeneratorStep",
    "_asyncToGenerator", "Generator.next", "Generator.throw", "Generator.<anonymous>",
})  # fmt: skip
_OF_ENGINE = re.compile(r"(?:async )?Promise\.\w{1,20} \(index \d+\)")  # which of many failed
_WRAPPERS = re.compile(
    r"^(?:(?:async|new|get|set|bound|static|Object|Module|Function|exports|window)[ .]++"
    r"|(?:async|promise callback|setTimeout handler|EventListener\.handleEvent)\*"
    r"|(?:block|rescue|ensure)(?: \(\d++ levels\))? in )++"
)
_MINIFIED_FILE = re.compile(r"\.min\.(?:m|c)?js", re.IGNORECASE)
# Names of so few letters are a minifier's; a bundle has thousands, some of one letter more.
MANGLED, MANGLED_IN_BUNDLE = 2, 3
# React Native's bundle, by the system that it runs on.
_PHONE_BUNDLE = re.compile(
    r"^(?:.{0,200}/)?(?:main|index)(?:\.(?:android|ios|native))?\.(?:js)?bundle$"
)
_OF_NODE = re.compile(r"^node:([\w/.-]+?)(?:\.js)?$")  # its own files, before they were called so
_ENGINES = frozenset({"<anonymous>", "[native code]", "native"})  # where engines' functions are
_SCRIPTS = re.compile(r"\.(?:[cm]?[jt]s|[jt]sx|vue|svelte)$")
# A part of a page's address, at /users/7, and the folder of a release, by its date or version.
_NUMBERED = re.compile(
    r"(?:^|(?<=/))(?:\d++(?=/|$)|(?:\d{4}-\d\d-\d\d[\w.-]*+|v?\d++(?:\.\d++)++[\w.-]*+)(?=/))"
)
_ENDING = re.compile(r"\w\.[A-Za-z]\w{0,5}$")
_SCRIPT = frozenset({"javascript", "node"})
_JVM = frozenset({"java", "android"})
_OFFSET = "+0x"
_PANICS = frozenset({"gopanic", "panic", "sigpanic", "panicmem", "goPanicIndex", "throw"})
_OWNED_BY = ("module", "filename", "abs_path", "package", "function")


class Place(NamedTuple):
    """Where a frame is: a module, file or image, a function or offset, and the source line."""

    module: str
    function: str
    line: str

    def __str__(self) -> str:
        between = " " if self.function.startswith(_OFFSET) else " in "
        place = between.join(filter(None, (self.module, self.function)))
        return f"{place}: {self.line}" if self.line else place


def place(frame: Mapping[str, Any], platform: str = "") -> Place:
    """The frame's place, the same on every host and in every build with the same code there."""
    check_cpu()
    texts = _Texts(
        _text(frame, "platform") or platform,
        _text(frame, "module"),
        _text(frame, "filename"),
        _text(frame, "abs_path"),
        image_of(frame),
        _text(frame, "function"),
        _text(frame, "context_line"),
        "" if _text(frame, "function") else offset_in_image(frame),
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
    image: str
    function: str
    context_line: str
    offset: str


@lru_cache(maxsize=REMEMBERED)
def _place_of(texts: _Texts) -> Place:
    """The same frames come with every event of a project: a third of grouping's time."""
    if texts.function in _LEFT_OUT or _OF_ENGINE.fullmatch(texts.function):
        return Place("", "", "")
    function = _WRAPPERS.sub("", texts.function.strip())
    module, function = spelled(texts.platform, texts.module, function)
    texts = texts._replace(module=module, function=function)
    line = " ".join(texts.context_line.split())
    return Place(_module(texts), _function(texts), line if len(line) <= CONTEXT_LENGTH else "")


def has_name(here: Place) -> bool:
    """Whether the place says more than a file: a function, an offset, or the source line."""
    return bool(here.function or here.line)


def is_shortened(here: Place, platform: str) -> bool:
    """Whether R8 or ProGuard named class and method, other ones in each build."""
    names = (here.module.rpartition(".")[2], here.function)
    return platform in _JVM and all(0 < len(name) <= MANGLED for name in names)


def is_file(frame: Mapping[str, Any], here: Place, platform: str) -> bool:
    """Whether the frame's file has a name, as most of a bundle's functions have none.

    A page's own address is no script, and a chunk may be called by its hash alone.
    """
    name = _short_path(_path_of(frame)).rpartition("/")[2]
    endings = _SCRIPTS if (_text(frame, "platform") or platform) in _SCRIPT else _ENDING
    return bool(here.module and endings.search(name)) and here.module.rpartition("/")[2] != "*.js"


def written_place(frame: Mapping[str, Any]) -> Place:
    """The frame's place for people to read: its names as the client wrote them."""
    function = _text(frame, "function")
    return Place(
        _text(frame, "module") or _short_path(_path_of(frame)) or image_of(frame),
        offset_in_image(frame) if not function else "" if function in _ANONYMOUS else function,
        "",
    )


def offset_in_image(frame: Mapping[str, Any]) -> str:
    """Where a native frame is in its image, as symbolication takes it: "+0x10040"; "" if not sent.

    An image of a system moves at each start, so the address alone says nothing.
    """
    at, image = address(frame.get("instruction_addr")), address(frame.get("image_addr"))
    return "" if at is None or image is None or at < image else f"{_OFFSET}{at - image:x}"


def is_in_app(frame: Mapping[str, Any], platform: str = "") -> bool:
    """Whether the frame is the application's own: as the client says, else by what it is of."""
    path = _text(frame, "filename")
    platform = _text(frame, "platform") or platform
    if path in _ENGINES or is_foreign(path) or is_standard(_text(frame, "function"), platform):
        return False  # clients call all frames of a page, or of a program's image, its own
    in_app = frame.get("in_app")
    if isinstance(in_app, bool):
        return in_app
    return not _is_library(frame, platform)


@lru_cache(maxsize=REMEMBERED)
def _is_system(names: tuple[str, ...], platform: str) -> bool:
    return is_system(dict(zip(_OWNED_BY, names, strict=True)), platform)


def innermost(holder: Any, platform: str) -> Mapping[str, Any]:
    """The innermost frame of the application's own, else of any; empty without frames."""
    frames = frames_of(holder)
    own = own_of(frames, platform) or frames
    return own[-1] if own else {}


def own_of(frames: Sequence[Mapping[str, Any]], platform: str) -> Sequence[Mapping[str, Any]]:
    """The application's own frames, outermost call first.

    Where a client calls more of them its own, libraries are none: it may take all that lies in the
    project's folder or in the program's image. What Go runs after a panic throws it again.
    """
    own = [frame for frame in _before_panic(frames, platform) if is_in_app(frame, platform)]
    written = [frame for frame in own if not _is_library(frame, platform)]
    return written or own


def _before_panic(
    frames: Sequence[Mapping[str, Any]], platform: str
) -> Sequence[Mapping[str, Any]]:
    for at, frame in enumerate(frames if platform == "go" else ()):
        is_of_runtime = _text(frame, "module") in {"", "runtime"}
        if is_of_runtime and _text(frame, "function") in _PANICS:
            before = frames[:at]
            return before if any(is_in_app(caller, platform) for caller in before) else frames
    return frames


def _is_library(frame: Mapping[str, Any], platform: str) -> bool:
    names = tuple(_text(frame, name) for name in _OWNED_BY)
    whose = _is_system if sum(map(len, names)) <= REMEMBERED_LENGTH else _is_system.__wrapped__
    return whose(names, _text(frame, "platform") or platform)


def is_minified(frame: Mapping[str, Any], platform: str = "") -> bool:
    """Whether the frame stands in minified JavaScript, so that its names mean nothing."""
    platform = _text(frame, "platform") or platform
    name = _path_of(frame)
    if platform in _SCRIPT and _is_bundle(name):
        return True
    return _is_minified(platform, name, _text(frame, "context_line"))


def frames_of(holder: Any) -> Sequence[Mapping[str, Any]]:
    """The frames of an exception, thread or event, outermost call first."""
    stacktrace = holder.get("stacktrace") if isinstance(holder, dict) else None
    frames = stacktrace.get("frames") if isinstance(stacktrace, dict) else None
    return (
        [frame for frame in frames if isinstance(frame, dict)] if isinstance(frames, list) else []
    )


def path_in_repository(name: str, module: str = "") -> str:
    """The file as its repository calls it, as far as the frame says; "" for a page's own script.

    Java names the package in the module alone; bundlers put their own scheme before the path.
    """
    if re.match(r"https?://|<", name):
        return ""
    name = re.sub(r"^[a-z][a-z0-9+.-]*://", "/", name.split("?", maxsplit=1)[0].replace("\\", "/"))
    name = re.sub(r"^[A-Za-z]:/", "/", name).lstrip("/~").removeprefix("./")
    folder = "/".join(module.split(".")[:-1])
    if "/" not in name and name.endswith((".java", ".kt", ".scala", ".groovy")) and folder:
        return f"{folder}/{name}"
    return name


def _is_minified(platform: str, name: str, context_line: str) -> bool:
    if platform not in _SCRIPT:
        return False
    return len(context_line) > CONTEXT_LENGTH or bool(_MINIFIED_FILE.search(name))


def _is_bundle(name: str) -> bool:
    """Whether the script's name has a hash of its content, which only a bundler writes."""
    return "*" in without_bundle_hash(name)


def image_of(frame: Mapping[str, Any]) -> str:
    """The program or library that a native frame is in, without its folder; "" if not sent."""
    return _text(frame, "package").replace("\\", "/").rpartition("/")[2]


def _path_of(frame: Mapping[str, Any]) -> str:
    return _text(frame, "filename") or _text(frame, "abs_path")


def _module(texts: _Texts) -> str:
    if texts.module and texts.module != "__main__":
        return without_generated(texts.module)
    name = _short_path(texts.filename or texts.abs_path) or texts.image
    name = _PHONE_BUNDLE.sub("*.bundle", _NUMBERED.sub("*", name))
    if texts.platform in _SCRIPT:
        name = _OF_NODE.sub(r"\1.js", name)
    return without_generated(without_bundle_hash(name))


def _short_path(name: str) -> str:
    """A path without what differs from host to host."""
    name = name.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].replace("\\", "/")
    name = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*/", "/", name)  # an origin, webpack://, app://
    if name.startswith(("/", "~")) or name[1:3] == ":/":
        name = "/".join(name.split("/")[-2:]).lstrip("/")  # folders of hosts come before
    return name.removeprefix("./")


def _function(texts: _Texts) -> str:
    if texts.offset:
        return texts.offset
    function = texts.function.rsplit(".<locals>.", maxsplit=1)[-1].split(" [as ", maxsplit=1)[0]
    if texts.platform == "javascript":
        function = _of_any_browser(function)
    if function in _ANONYMOUS or function.endswith((".?", ".<anonymous>")):
        return ""
    name = texts.filename or texts.abs_path
    if _is_minified(texts.platform, name, texts.context_line):
        return ""
    if texts.platform == "javascript" and len(function) <= MANGLED_IN_BUNDLE:
        shortest = MANGLED_IN_BUNDLE if _is_bundle(name) else MANGLED
        return function if len(function) > shortest else ""
    return without_generated(function)


def _of_any_browser(function: str) -> str:
    """The name that all engines have: Chrome's Cart.pay and Firefox's Cart/this.pay are pay."""
    return function.rpartition("/")[2].rpartition(".")[2].removesuffix("<")


def address(value: Any) -> int | None:
    """An address as clients send it: "0x104a10040", "4372627520" or a number; None for others."""
    if isinstance(value, str) and len(value) <= ADDRESS_LENGTH:
        try:
            return int(value, 16 if value[:2].lower() == "0x" else 10)
        except ValueError:
            return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(frame: Mapping[str, Any], name: str) -> str:
    value = frame.get(name)
    return value if isinstance(value, str) else ""
