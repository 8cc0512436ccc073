"""Cases of one rule that leave the console as it was: one test tries them all."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def at_once(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[..., Any]:
    """Like `pytest.mark.parametrize`, with the same fixtures for all cases; names each that fails.

    For what is refused, read or compared: a test of its own for each case spends its time on a
    database, people and a console that no case changes.
    """
    single = isinstance(names, str) and "," not in names
    named = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    listed = [(case,) if single else tuple(case) for case in cases]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def whole(**fixtures: Any) -> None:
            assert listed, "there are cases"
            failed: list[str] = []
            for case in listed:
                given = dict(zip(named, case, strict=True))
                try:
                    test(**fixtures, **given)
                except Exception as error:
                    error.add_note(f"in the case {given!r:.300}")
                    if len(listed) == 1:
                        raise
                    failed.append(f"{given!r:.300}: {type(error).__name__}: {error}")
            assert not failed, f"{len(failed)} of {len(listed)} cases:\n" + "\n".join(failed)

        asked = inspect.signature(test)
        fixtures = [each for each in asked.parameters.values() if each.name not in named]
        vars(whole)["__signature__"] = asked.replace(parameters=fixtures)
        return whole

    return decorate
