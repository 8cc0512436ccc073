"""What a half-written search of the inbox may become."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.accounts import releases
from console.accounts.models import Project
from console.core.folding import fold
from console.errors import queries
from console.errors.models import Category, Level
from console.errors.search import COUNTED, ME, NOBODY, WORDS, name_of
from console.telemetry import distributions
from console.telemetry.scope import Scope

MOST = 12
_NAMES = {
    "is": "open, resolved, muted, assigned, new, unhandled …",
    "level": "How severe",
    "release": "Events of a release",
    "environment": "Events of an environment",
    "user": "An id or an e-mail address",
    "assigned": "Whose it is",
    "first-seen": "-24h within, +7d before, >2026-11-23",
    "last-seen": "-24h within, +7d before, >2026-11-23",
    "events": ">10 how many, in this time range",
    "users": ">=5 how many, in this time range",
    "has": "Events with a tag",
    "type": "The exception's type",
    "message": "Part of a message",
    "function": "A function of the stack",
    "file": "A file of the stack",
    "module": "A module of the stack",
    "culprit": "Where it happened",
    "title": "Part of the title",
    "category": "Errors or performance",
    "transaction": "The request or task",
    "url": "The address of the request",
    "event": "An event's id",
    "trace": "A trace's id",
}
_NUMBERS = (">1", ">10", ">100", ">1000", "1")
_TIMES = ("-1h", "-24h", "-7d", "-30d", "+7d", "+30d")


@dataclass(frozen=True, slots=True)
class Completion:
    """A word that may stand in a search, and what it is."""

    text: str
    hint: str = ""


def completions(project: Project, scope: Scope, word: str) -> list[Completion]:
    """What the last word of a search may become; a name ends with its colon."""
    opposite, word = ("!", word[1:]) if word.startswith("!") else ("", word)
    name, colon, begun = word.partition(":")
    offered = _values(project, scope, name, begun) if colon else _names(scope, name)
    return [
        Completion(f"{opposite}{completion.text}", completion.hint)
        for completion, _ in zip(offered, range(MOST), strict=False)
    ]


def _names(scope: Scope, begun: str) -> Iterator[Completion]:
    folded = fold(begun)
    for name, hint in _NAMES.items():
        if name.startswith(folded):
            yield Completion(f"{name}:", hint)
    for tag, values in distributions.recent_facts(scope).items():
        if fold(tag).startswith(folded) and tag not in _NAMES:
            yield Completion(f"{_quoted_name(tag)}:", f"Tag, as in {values[0]}")


def _values(project: Project, scope: Scope, name: str, begun: str) -> Iterator[Completion]:
    folded, name = fold(begun.lstrip('"')), name.strip('"')
    matching = [value for value in _offered(project, scope, name_of(name)) if folded in fold(value)]
    for value in sorted(matching, key=lambda value: not fold(value).startswith(folded)):
        yield Completion(f"{_quoted_name(name)}:{_quoted(value)}")


def _offered(project: Project, scope: Scope, name: str) -> Sequence[str]:
    if name == "assigned":
        return (ME, NOBODY, *(person.email for person in queries.people(project)))
    if name == "release":
        return releases.versions(project)
    if name == "environment":
        return releases.environments(project)
    known: dict[str, Sequence[str]] = {
        "is": WORDS,
        "level": [level.value for level in Level],
        "category": [category.value for category in Category],
        "first-seen": _TIMES,
        "last-seen": _TIMES,
        **dict.fromkeys(COUNTED, _NUMBERS),
    }
    if name in known:
        return known[name]
    facts = distributions.recent_facts(scope)
    return list(facts) if name == "has" else facts.get(name, [])


def _quoted(value: str) -> str:
    """A value as a search has it: in quotes where it would be read as more than one word."""
    plain = value and not any(letter.isspace() or letter in '"[]*' for letter in value)
    if plain:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted_name(name: str) -> str:
    return (
        name if name.replace("-", "").replace(".", "").replace("_", "").isalnum() else f'"{name}"'
    )
