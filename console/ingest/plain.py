"""Texts without what encodes letters: percent signs, entities of HTML, escapes of JSON."""

import re

_ROUNDS = 3  # of different encodings inside each other; repeated percent signs are one round
_PERCENT = re.compile(r"(?:%(?:25)*[0-9A-Fa-f]{2})+")
_BYTE = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_ENTITY = re.compile(
    r"&(?:amp;)*(?:(?P<name>quot|apos|lt|gt|amp)|#0{0,5}(?P<decimal>\d{2,3})"
    r"|#[xX]0{0,4}(?P<hex>[0-9A-Fa-f]{2}));"
)
_ESCAPE = re.compile(r"\\{1,8}u00([0-7][0-9A-Fa-f])")
_NAMED = {"quot": '"', "apos": "'", "lt": "<", "gt": ">", "amp": "&"}


def decoded(text: str) -> str:
    """The text as it reads when it is decoded; the text itself where nothing is encoded in it."""
    for _ in range(_ROUNDS):
        before = text
        if "%" in text:
            text = _PERCENT.sub(_of_bytes, text)
        if "&" in text:
            text = _ENTITY.sub(_of_entity, text)
        if "\\u00" in text:
            text = _ESCAPE.sub(_of_escape, text)
        if text == before:
            break
    return text


def _of_bytes(match: re.Match[str]) -> str:
    return bytes(int(byte, 16) for byte in _BYTE.findall(match[0])).decode("utf-8", "replace")


def _of_entity(match: re.Match[str]) -> str:
    if match["name"]:
        return _NAMED[match["name"]]
    return chr(int(match["decimal"] or match["hex"], 10 if match["decimal"] else 16))


def _of_escape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
