"""Routes of the tests' consoles, compiled once in a run: half of the time that a console takes."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]
_builders: dict[tuple[Any, ...], Builder] = {}


class KnownRule(Rule):
    """A rule whose URL builder is shared by all consoles of this process that have the rule."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        defaults = tuple(sorted((self.defaults or {}).items()))
        known = (self.rule, tuple(self._trace), defaults, append_unknown)
        if known not in _builders:
            _builders[known] = super()._compile_builder(append_unknown)
        return _builders[known]
