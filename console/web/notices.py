"""What every page of an organization says above its content: sources of it register here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from flask import Flask, current_app

EXTENSION = "pharos.notices"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence on every page while something holds, and where to read more."""

    text: str
    tone: Literal["bad", "warn"]
    url: str
    link: str = "Guardrails"
    """The words that lead there."""


Source = Callable[[Any], Iterable[Notice]]
"""Answers for an organization, from memory: it is asked for every page."""


def add_source(app: Flask, source: Source) -> None:
    """Ask `source` for each page of an organization."""
    app.extensions.setdefault(EXTENSION, []).append(source)


def page_notices(shell: Any) -> list[Notice]:
    """What the page of `shell` has to say, what is bad before what only warns."""
    if shell is None or shell.organization is None:
        return []
    sources: list[Source] = current_app.extensions.get(EXTENSION, [])
    notices = [notice for source in sources for notice in source(shell.organization)]
    return sorted(notices, key=lambda notice: notice.tone != "bad")
