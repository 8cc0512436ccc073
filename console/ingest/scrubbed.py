"""The only way into a record leads through the scrubber, which alone makes a Scrubbed."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, final

from console.ingest.scrub import Scrubber

_Content_co = TypeVar("_Content_co", covariant=True)
_Made = TypeVar("_Made")
_SEAL = object()


@final
class Scrubbed(Generic[_Content_co]):
    """Content that the scrubber has processed, or that was made from such content."""

    __slots__ = ("content",)

    def __init__(self, content: _Content_co, seal: object) -> None:
        """For `scrubbed` and `then`: raises TypeError without this module's seal."""
        if seal is not _SEAL:
            raise TypeError("only the scrubber makes what is scrubbed")
        self.content = content

    def then(self, make: Callable[[_Content_co], _Made]) -> "Scrubbed[_Made]":
        """What is made of the content, scrubbed as this is."""
        return Scrubbed(make(self.content), _SEAL)


def scrubbed(scrubber: Scrubber, value: Any) -> Scrubbed[Any]:
    """A JSON value as the rules of its project leave it."""
    return Scrubbed(scrubber.scrub(value), _SEAL)
