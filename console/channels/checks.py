"""What is wrong with a channel's settings, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.channels.kinds import Field, Given


def faults_of(fields: Sequence[Field], given: Given) -> dict[str, str]:
    """What is wrong with settings by the declaration of their fields alone, by field."""
    return dict(_faults(fields, given))


def text_of(given: Given, name: str) -> str:
    """A setting as text without spaces around it; "" if there is none."""
    value = given.get(name)
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def is_whole(text: str) -> bool:
    """Whether a text can be written down: JSON can hold half a character, bytes cannot."""
    return text.encode(errors="replace").decode() == text


def _faults(fields: Sequence[Field], given: Given) -> Iterator[tuple[str, str]]:
    for field in fields:
        text = text_of(given, field.name)
        if field.required and not text:
            yield field.name, f"Fill in {field.label[:1].lower()}{field.label[1:]}."
        elif len(text) > field.longest:
            yield field.name, f"At most {field.longest:,} characters, not {len(text):,}."
        elif not is_whole(text):
            yield field.name, "There is half a character in it."
        elif text and field.choices and text not in dict(field.choices):
            yield field.name, "Choose one of the list."
