"""Which parameters a request asks for: what it does not ask for cannot change its answer."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from flask import Flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

EVERY, NONE = "*", ""
# They hand the whole query on, as text in links, or look through it for what no text may hold.
HAND_ON = {"console.web.frame", "console.web.incoming", "console.web.api"}


class Noting(MultiDict[str, str]):
    """Parameters that note the names that they are asked for."""

    names: ClassVar[set[str]]

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def getlist(  # type: ignore[override]  # Werkzeug's is overloaded by the type of its result
        self, name: str, *arguments: Any, **named: Any
    ) -> list[Any]:
        self.names.add(name)
        return super().getlist(name, *arguments, **named)

    def __iter__(self) -> Iterator[str]:
        self._note_all()
        return super().__iter__()

    def keys(self) -> Any:
        self._note_all()
        return super().keys()

    def values(self) -> Any:
        self._note_all()
        return super().values()

    def items(self, multi: bool = False) -> Any:
        self._note_all()
        return super().items(multi)

    def lists(self) -> Any:
        self._note_all()
        return super().lists()

    def listvalues(self) -> Any:
        self._note_all()
        return super().listvalues()

    def pop(self, name: str, *default: Any) -> Any:
        self.names.add(name)
        return super().pop(name, *default)

    def poplist(self, name: str) -> list[str]:
        self.names.add(name)
        return super().poplist(name)

    def copy(self) -> Any:
        """A copy to be changed, which notes as well."""
        kind = type("Copied", (Noting,), {"names": self.names})
        return kind([*MultiDict.items(self, multi=True)])

    def _note_all(self) -> None:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_globals["__name__"] in {__name__, MultiDict.__module__}:
            frame = frame.f_back
        self.names.add(NONE if frame.f_globals["__name__"] in HAND_ON else EVERY)


@contextmanager
def noted(app: Flask) -> Iterator[set[str]]:
    """The names of parameters that requests to the app ask for: EVERY when it may be any.

    A request that asks for nothing leaves NONE, as its query was looked through; what is answered
    before there is a Flask request leaves nothing.
    """
    names: set[str] = set()
    before = app.request_class

    def get_data(request: Any, *arguments: Any, **named: Any) -> Any:
        names.add(EVERY)
        return before.get_data(request, *arguments, **named)

    storage = type("Noted", (Noting, ImmutableMultiDict), {"names": names})
    members = {"parameter_storage_class": storage, "get_data": get_data}
    app.request_class = type("NotedRequest", (before,), members)
    yield names
    app.request_class = before
