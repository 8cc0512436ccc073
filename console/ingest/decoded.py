"""The result of decoding a request: scrubbed records, and counts of everything else."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from console.ingest.people import People
from console.ingest.repeats import Repeats
from console.ingest.scrub import Scrubber
from console.ingest.scrubbed import Scrubbed, scrubbed
from console.telemetry.records import PageLoad, Record, Span

STORED, IGNORED = "stored", "ignored"
INVALID, LOST_BY_CLIENT = "invalid", "lost_by_client"
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Context:
    """The project of a request's items, and the rules that scrub them."""

    organization_id: int
    project_id: int
    position: int
    received_at: datetime
    scrubber: Scrubber
    address: str = ""
    """Where the request came from; stored only as the scrubber leaves it."""
    repeats: Repeats = field(default_factory=Repeats)
    """The rows of spans that earlier requests brought, scrubbed by the same rules."""
    people: People = field(default_factory=People)
    """Makes the keys by which people are counted."""

    def scrubbed(self, value: Any) -> Scrubbed[Any]:
        """A JSON value as the project's rules leave it: the only way into a record."""
        return scrubbed(self.scrubber, value)


@dataclass(frozen=True, slots=True)
class ItemCount:
    """How many items of a type had an outcome, and why; events and spans count when stored."""

    item_type: str
    outcome: str
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reported:
    """An error event before it is grouped, and the key of the person whom it happened to."""

    event: Scrubbed[dict[str, Any]]
    user_key: str = ""


class Decoded:
    """Records of any kind, normalised error events, and the counts of everything else."""

    __slots__ = ("_errors", "_kept", "_scrubber", "_tally")

    def __init__(self, context: Context) -> None:
        """Begin empty; `context` scrubs the texts of counts."""
        self._scrubber = context.scrubber
        self._errors: list[Reported] = []
        self._kept: dict[type[Any], Scrubbed[list[Any]]] = {}
        self._tally: Counter[tuple[str, str, str]] = Counter()

    def keep(self, record: Scrubbed[Record]) -> None:
        """Add a record; raises TypeError for a record that was not scrubbed."""
        _check(record)
        kept = self._kept.get(type(record.content))
        if kept is None:
            self._kept[type(record.content)] = record.then(lambda first: [first])
        else:
            kept.content.append(record.content)

    def keep_all(self, records: Scrubbed[Iterable[Record]]) -> None:
        """Add records that were made together."""
        _check(records)
        for record in records.content:
            self.keep(records.then(partial(_second, record)))

    def keep_error(self, event: Scrubbed[dict[str, Any]], user_key: str = "") -> None:
        """Add an error event in the shape that `sentry.event_items` gives; digest groups it."""
        _check(event)
        self._errors.append(Reported(event, user_key))

    def drop_before(self, record: type[_Record], oldest: datetime) -> int:
        """Leave out the records of a class that are older; return how many there were."""
        kept = self._kept.get(record)
        if kept is None:
            return 0
        young = kept.then(lambda listed: [row for row in listed if row.timestamp >= oldest])
        self._kept[record] = young
        return len(kept.content) - len(young.content)

    def count(self, item_type: str, outcome: str, reason: str, quantity: int = 1) -> None:
        """Count items that become no record; the client may have written type and reason."""
        clean = self._scrubber.text
        self._tally[clean(item_type), outcome, clean(reason)] += quantity

    def of(self, record: type[_Record]) -> Sequence[_Record]:
        """The records of a class, as they are kept so far."""
        kept = self._kept.get(record)
        return kept.content if kept else ()

    def scrubbed_of(self, record: type[_Record]) -> Scrubbed[list[_Record]] | None:
        """The same to make other records of; None where there are none."""
        return self._kept.get(record)

    @property
    def records(self) -> Mapping[type[Any], Sequence[Any]]:
        """All records by their class."""
        return {record: kept.content for record, kept in self._kept.items()}

    @property
    def errors(self) -> Sequence[Reported]:
        """The error events, which are grouped before they become records."""
        return self._errors

    @property
    def events(self) -> list[dict[str, Any]]:
        """The contents of the error events."""
        return [reported.event.content for reported in self._errors]

    @property
    def spans(self) -> Sequence[Span]:
        """The spans that are kept so far."""
        return self.of(Span)

    @property
    def page_loads(self) -> Sequence[PageLoad]:
        """The page loads that are kept so far."""
        return self.of(PageLoad)

    @property
    def counts(self) -> list[ItemCount]:
        """The counts of everything else, in order."""
        return [ItemCount(*fate, quantity) for fate, quantity in self._tally.items()]


def _second(record: _Record, _all: object) -> _Record:
    return record


def _check(given: object) -> None:
    if type(given) is not Scrubbed:
        raise TypeError(f"a decoder gave a {type(given).__name__} that was not scrubbed")
