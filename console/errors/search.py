"""What a search of the inbox means: conditions on issues, terms of events, and plain texts."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from console.accounts.models import User
from console.core import clock
from console.core.folding import fold
from console.errors.models import Category, Level, Status
from console.errors.tokens import SearchError, Token, tokens
from console.telemetry.event_terms import IDS, USER, EventTerm
from console.web import clocks

ME, NOBODY = "me", "none"
NEW = timedelta(days=1)
"""How long an issue is new."""
STATES = {
    "open": Status.OPEN, "unresolved": Status.OPEN, "resolved": Status.RESOLVED,
    "muted": Status.MUTED, "ignored": Status.MUTED, "archived": Status.MUTED,
}  # fmt: skip
_CATEGORIES = {"error": Category.ERROR, "errors": Category.ERROR,
               "performance": Category.PERFORMANCE, "finding": Category.PERFORMANCE,
               "report": Category.REPORT}  # fmt: skip
# Names by which people know the same thing from other trackers.
_SAME = {
    "assignee": "assigned", "firstseen": "first-seen", "first_seen": "first-seen",
    "age": "first-seen", "lastseen": "last-seen", "last_seen": "last-seen",
    "error.type": "type", "kind": "type", "error.value": "message", "stack.function": "function",
    "stack.filename": "file", "stack.abs_path": "file", "filename": "file",
    "stack.module": "module", "stack.package": "module",
    "user.id": USER, "user.email": USER, "user.username": USER,
    "user.ip": USER, "env": "environment", "error.handled": "handled", "browser.name": "browser",
    "os.name": "os", "issue.category": "category", "timesseen": "events",
    "times_seen": "events",
}  # fmt: skip
_STACK = ("message", "function", "file", "module")
_ID = re.compile(r"[0-9a-f]{32}")
_AGO = re.compile(r"([+-])(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COMPARED = re.compile(r"(>=|<=|>|<)?(.+)")
_NUMBER = re.compile(r"(>=|<=|>|<|=)?([0-9]{1,9})")
COUNTED = ("events", "users")


@dataclass(frozen=True, slots=True)
class Condition:
    """An issue's `column` is one of these values, or lies between two moments."""

    column: str
    values: tuple[Any, ...] = ()
    negated: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many events or users an issue has of those that the page counts, both ends included."""

    measure: str
    least: int = 0
    most: int | None = None
    negated: bool = False

    def holds(self, number: int) -> bool:
        """Whether so many are enough and not too many."""
        inside = self.least <= number and (self.most is None or number <= self.most)
        return inside is not self.negated

    @property
    def least_ever(self) -> int:
        """How many an issue has since it was first seen if it has enough in any time range."""
        if not self.negated:
            return self.least
        return self.most + 1 if self.most is not None and not self.least else 0


_QUALITIES = {
    "assigned": Condition("assignee", (None,), negated=True),
    "unassigned": Condition("assignee", (None,)),
    "new": Condition("first-seen"),
    "regressed": Condition("regressed"),
    "handled": Condition("handled", (True,)),
    "unhandled": Condition("handled", (False,)),
    "error": Condition("category", (Category.ERROR,)),
    "performance": Condition("category", (Category.PERFORMANCE,)),
    "report": Condition("category", (Category.REPORT,)),
    "all": Condition("all"),
}
WORDS = (*[status.value for status in Status], *_QUALITIES)
"""What may stand after `is:`, beside the words of other trackers."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that an issue says somewhere: in its title, its stack, or in facts of its events."""

    folded: str
    negated: bool
    written: str


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it was understood."""

    conditions: tuple[Condition, ...] = ()
    terms: tuple[EventTerm, ...] = ()
    texts: tuple[Text, ...] = ()
    counts: tuple[Count, ...] = ()

    @property
    def event_id(self) -> str:
        """The id that is all of the search, "" for any other search."""
        if self.conditions or self.texts or self.counts or len(self.terms) != 1:
            return ""
        (term,) = self.terms
        return term.texts[0] if term.name in ("id", "event") and not term.negated else ""

    def without(self, name: str, known: Collection[str]) -> tuple["Search", str]:
        """The search without its only word of this name, and the value, if that is a known one.

        Copies by hash count the events of a release without reading each of them.
        """
        own = [term for term in self.terms if term.name == name]
        if len(own) != 1 or own[0].negated or len(own[0].texts) != 1:
            return self, ""
        value = own[0].texts[0]
        if value not in known:
            return self, ""
        return replace(self, terms=tuple(term for term in self.terms if term is not own[0])), value

    @property
    def chooses_status(self) -> bool:
        """Whether it says where issues stand, instead of the tabs."""
        return any(condition.column in ("status", "all") for condition in self.conditions)

    @property
    def chooses_category(self) -> bool:
        """Whether it says what issues are about, instead of the menu."""
        return any(condition.column == "category" for condition in self.conditions)

    @property
    def status(self) -> Status | None:
        """The one status that it chooses; None for several or all."""
        chosen = [own for own in self.conditions if own.column == "status"]
        return chosen[0].values[0] if len(chosen) == 1 and _is_one(chosen[0]) else None


def understood(
    text: str, people: Sequence[User], me: User | None, keys_of: Callable[[str], tuple[str, ...]]
) -> Search:
    """What a search means; `keys_of` gives the keys of the people that a text may name.

    Raises SearchError, whose sentence says what to write instead.
    """
    conditions: list[Condition] = []
    terms: list[EventTerm] = []
    texts: list[Text] = []
    counts: list[Count] = []
    for token in tokens(text):
        name = name_of(token.name)
        if not name and _ID.fullmatch(_hexadecimal(token)):
            terms.append(EventTerm("id", (_hexadecimal(token),), token.negated))
        elif not name:
            texts += [Text(fold(text), token.negated, text) for text in token.texts if text]
        elif name.lower() in COUNTED:
            counts.append(_count(name.lower(), token))
        elif name.lower() in _READERS:
            conditions.append(_READERS[name.lower()](name.lower(), token, people, me))
        else:
            terms.append(_term(name, token, keys_of))
    return Search(tuple(conditions), tuple(terms), tuple(texts), tuple(counts))


def name_of(name: str) -> str:
    """The name by which a search knows what people know by another name, too."""
    return _SAME.get(name.lower(), name)


def _term(name: str, token: Token, keys_of: Callable[[str], tuple[str, ...]]) -> EventTerm:
    if name == "has":
        (wanted,) = token.texts[:1]
        return EventTerm(_SAME.get(wanted.lower(), wanted), (), token.negated)
    if name == "handled":
        return EventTerm(name, tuple(map(_yes_or_no, token.texts)), token.negated)
    if name in IDS:
        ids = tuple(text.lower().replace("-", "") for text in token.texts)
        if not all(map(_ID.fullmatch, ids)):
            raise SearchError(f"{token.written}: an id has 32 hexadecimal digits.")
        return EventTerm(name, ids, token.negated)
    keys = tuple(key for text in token.texts for key in keys_of(text)) if name == USER else ()
    return EventTerm(name, token.texts, token.negated, keys=keys)


def _state(_name: str, token: Token, _people: Sequence[User], _me: User | None) -> Condition:
    words = [text.lower() for text in token.texts]
    if all(word in STATES for word in words):
        return Condition("status", tuple(STATES[word] for word in words), token.negated)
    if len(words) > 1:
        raise SearchError(f"{token.written}: a list has statuses alone, as in is:[open, muted].")
    (word,) = words
    if word == "all" and token.negated:
        raise SearchError(f"{token.written}: no issue is outside of all. Leave it out.")
    if word not in _QUALITIES:
        raise SearchError(f"{token.written}: write is: with {_listed(WORDS)}.")
    quality = _QUALITIES[word]
    since = clock.now() - NEW if word == "new" else None
    return replace(quality, negated=quality.negated is not token.negated, since=since)


def _choice(choices: Mapping[str, Any]) -> "Reader":
    def read(name: str, token: Token, _people: Sequence[User], _me: User | None) -> Condition:
        unknown = [text for text in token.texts if text.lower() not in choices]
        if unknown:
            raise SearchError(f"{token.written}: write {name}: with {_listed(choices)}.")
        values = tuple(choices[text.lower()] for text in token.texts)
        return Condition(name, values, token.negated)

    return read


def _assigned(_name: str, token: Token, people: Sequence[User], me: User | None) -> Condition:
    members: dict[str, int | None] = {fold(person.email): person.id for person in people}
    members |= {NOBODY: None, "nobody": None}
    if me is not None:
        members[ME] = me.id
    names = [fold(text.removeprefix("@")) for text in token.texts]
    if any(name not in members for name in names):
        raise SearchError(
            f"{token.written}: no member has this address. Write assigned:{'me, ' if me else ''}"
            "assigned:none or a member's e-mail address."
        )
    return Condition("assignee", tuple(members[name] for name in names), token.negated)


def _seen(name: str, token: Token, _people: Sequence[User], _me: User | None) -> Condition:
    (text,) = token.texts[:1]
    if ago := _AGO.fullmatch(text):
        sign, count, unit = ago.groups()
        at = clock.now() - timedelta(**{_UNITS[unit]: int(count)})
        later = sign == "-"
        return Condition(name, (), token.negated, at if later else None, None if later else at)
    comparison, written = _COMPARED.fullmatch(text).groups()  # type: ignore[union-attr]
    try:
        at = clocks.instant(written, clocks.zone_name())
    except ValueError:
        raise SearchError(
            f"{token.written}: write {name}:-24h for the last 24 hours, {name}:+7d for longer ago, "
            f"or a day, as in {name}:>2026-11-23."
        ) from None
    after = at + timedelta(days=1) if len(written) == len("2026-11-23") else at
    since, until = {
        ">": (after, None), ">=": (at, None), "<": (None, at), "<=": (None, after),
        None: (at, after if after > at else at + timedelta(minutes=1)),
    }[comparison]  # fmt: skip
    return Condition(name, (), token.negated, since, until)


def _count(name: str, token: Token) -> Count:
    (text,) = token.texts[:1]
    read = _NUMBER.fullmatch(text) if len(token.texts) == 1 else None
    if read is None:
        raise SearchError(
            f"{token.written}: write {name}: with a whole number, as in {name}:>10 or {name}:<=3."
        )
    number = int(read[2])
    least, most = {
        ">": (number + 1, None), ">=": (number, None),
        "<": (0, number - 1), "<=": (0, number),
    }.get(read[1], (number, number))  # fmt: skip
    return Count(name, least, most, token.negated)


def _plain(name: str, token: Token, _people: Sequence[User], _me: User | None) -> Condition:
    return Condition(name, tuple(fold(text) for text in token.texts), token.negated)


Reader = Callable[[str, Token, Sequence[User], User | None], Condition]
_READERS: Mapping[str, Reader] = {
    "is": _state,
    "level": _choice({level.value: level for level in Level}),
    "category": _choice(_CATEGORIES),
    "assigned": _assigned,
    "first-seen": _seen,
    "last-seen": _seen,
    **dict.fromkeys(("title", "type", "culprit", *_STACK), _plain),
}


def _hexadecimal(token: Token) -> str:
    return token.texts[0].lower().replace("-", "")


def _yes_or_no(text: str) -> str:
    return {"true": "yes", "1": "yes", "false": "no", "0": "no"}.get(text.lower(), text)


def _listed(words: Any) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def _is_one(condition: Condition) -> bool:
    return len(condition.values) == 1 and not condition.negated
