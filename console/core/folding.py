"""Texts without regard to case, in every language and the same on every database."""

import unicodedata

_DOT_ABOVE = "\u0307"
# Letters that have several small forms, or a capital of two letters.
_SAME = str.maketrans({"ß": "ss", "ς": "σ", "ı": "i", _DOT_ABOVE: None, "\0": None})


def fold(text: str) -> str:
    """The text as searches compare it: "İstanbul" is "ISTANBUL", "Straße" is "STRASSE".

    Databases disagree about letters beyond ASCII (SQLite folds no such letter), so that texts are
    folded here, when they are stored and when they are looked for.
    """
    if text.isascii():
        return text.lower().replace("\0", "")
    return unicodedata.normalize(
        "NFC", unicodedata.normalize("NFC", text).casefold().translate(_SAME)
    )
