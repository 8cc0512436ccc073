"""Finding things in pages."""

import re


def found(pattern: str, text: str) -> str:
    """Return the first group of the pattern, or all that it matches; fail if it does not."""
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[match.lastindex or 0]
