"""Where in the console's code an error came through, without a word of what was sent."""

import traceback
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


def culprit(error: BaseException) -> str:
    """The kind of an error and the last line of the console's code that it came through.

    An error that another process reports knows its own: `culprit` is an attribute of it.
    """
    known = getattr(error, "culprit", None)
    if isinstance(known, str):
        return known
    kind: Any = type(getattr(error, "orig", None) or error)
    frames = traceback.extract_tb(error.__traceback__)
    inner = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    if not inner:
        return str(kind.__name__)
    path = Path(inner[-1].filename).relative_to(PACKAGE.parent)
    return f"{kind.__name__} in {path}:{inner[-1].lineno}, {inner[-1].name}"
