"""A pair of events in few words, and the events that a client would send for it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.errors.grouping import group
from tests.ingest.corpus.reading import event

FOLDER = Path(__file__).parent
_FRAME = re.compile(
    r"(?P<in_app>[+-]?)(?P<function>.*?) \|(?: (?P<file>.*?))?(?: \| (?P<module>.*))?"
)
_FILE = re.compile(r"(?P<filename>.*?)(?::(?P<lineno>\d+))?(?::(?P<colno>\d+))?")
# The folder that clients of these platforms put before a file's name.
_FOLDERS = {"python": "/srv/app/", "ruby": "/srv/app/", "go": "/src/app/", "elixir": ""}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two events of one bug (`same`), or of two.

    In `first`, `e` are its exceptions, with `t` for type, `v` for value, `m` for mechanism and `s`
    for frames, outermost first: "+function | file:line:column | module", where + is in_app, - is
    not, and neither is not sent. The second event is the first with the texts of `becomes`
    replaced, a frame that begins with one by several if these are a list, and with `also`.
    """

    name: str
    platform: str
    same: bool
    first: Mapping[str, Any]
    becomes: Mapping[str, Any]
    also: Mapping[str, Any]

    def is_told_rightly(self) -> bool:
        """Whether the two events have one hash if they are one bug, else two."""
        first, second = self.events()
        return (group(first).hash == group(second).hash) is self.same

    def events(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both events as the digest groups them."""
        second = {**_replaced(self.first, self.becomes), **self.also}
        return event(_sent(self.first, self.platform)), event(_sent(second, self.platform))


def pairs(round_: str) -> Sequence[Pair]:
    """The pairs of a round, which is a folder of files of them."""
    return list(_read(round_))


def _read(round_: str) -> Iterator[Pair]:
    for path in sorted((FOLDER / round_).glob("*.json")):
        for written in json.loads(path.read_text()):
            yield Pair(
                name=f"{path.stem}: {written['name']}",
                platform=written["platform"],
                same=written["same"],
                first=written["a"],
                becomes=written["becomes"],
                also=written.get("also", {}),
            )


def _replaced(value: Any, becomes: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(item, becomes) for name, item in value.items()}
    if isinstance(value, list):
        return [item for old in value for item in _items(old, becomes)]
    if isinstance(value, str):
        for old, new in becomes.items():
            if isinstance(new, str):
                value = value.replace(old, new)
    return value


def _items(item: Any, becomes: Mapping[str, Any]) -> list[Any]:
    for old, new in becomes.items():
        if isinstance(new, list) and isinstance(item, str) and item.startswith(old):
            return new
    return [_replaced(item, becomes)]


def _sent(written: Mapping[str, Any], platform: str) -> dict[str, Any]:
    exceptions = [_exception(exception, platform) for exception in written.get("e", [])]
    rest = {name: value for name, value in written.items() if name != "e"}
    thrown = {"exception": {"values": exceptions}} if exceptions else {}
    return {"platform": platform, **rest, **thrown}


def _exception(written: Mapping[str, Any], platform: str) -> dict[str, Any]:
    names = {"t": "type", "v": "value", "m": "mechanism", "module": "module"}
    exception = {name: written[short] for short, name in names.items() if short in written}
    if frames := [_frame(frame, platform) for frame in written.get("s", [])]:
        exception["stacktrace"] = {"frames": frames}
    return exception


def _frame(written: Any, platform: str) -> dict[str, Any]:
    if not isinstance(written, str):
        return dict(written)
    parts = _FRAME.fullmatch(written)
    assert parts, written
    frame: dict[str, Any] = {"function": parts["function"]}
    if parts["in_app"]:
        frame["in_app"] = parts["in_app"] == "+"
    if parts["module"]:
        frame["module"] = parts["module"]
    if parts["file"] and (file := _FILE.fullmatch(parts["file"])):
        frame["filename"] = file["filename"]
        frame |= {name: int(file[name]) for name in ("lineno", "colno") if file[name]}
        if platform in _FOLDERS:
            frame["abs_path"] = _FOLDERS[platform] + file["filename"]
    return frame
