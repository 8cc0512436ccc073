"""The filter of an issue's events by their facts, as the address of its pages says it."""

import re

from wtforms.validators import ValidationError

from console.web.forms import FilterForm, ListField, SearchField, plain

LONGEST, MOST = 450, 10
Fact = tuple[str, str]
_QUOTED = re.compile(r'"([^"]+)"\s*:\s*(.*)')
_EXAMPLE = "Write name:value, such as browser:Firefox 121 or user:mia@example.com."


class Facts(ListField):
    """Several texts under one name, with the commas that are in them."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take every value of the name."""
        self.data = [text for text in map(plain, valuelist) if text]


class Narrowing(FilterForm):
    """Facts that an event must have: `fact=release:shop@1.4.2`, any number of times."""

    label = "Filter events"
    hidden = ("fact",)

    fact = Facts("Fact")
    add = SearchField("Filter events: browser:Firefox 121")

    def validate_add(self, field: SearchField) -> None:
        """Every fact has a name and a value, and there are not too many; all say so here."""
        texts = [*self.fact.data, *filter(None, [plain(field.data)])]
        if len(texts) > MOST:
            raise ValidationError(f"At most {MOST} facts at a time.")
        for text in texts:
            if read(text) is None:
                field.data = text
                raise ValidationError(_EXAMPLE)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Name and value of each fact, once. Only for a form that validates."""
        texts = [*self.fact.data, *filter(None, [plain(self.add.data)])]
        return tuple(dict.fromkeys(filter(None, map(read, texts))))

    @property
    def kept(self) -> list[Fact]:
        """The facts that were there before, for the field that adds to them."""
        return [("fact", text) for text in self.fact.data if read(text)]

    @property
    def cleared(self) -> dict[str, None]:
        """The changes for `url_with` that take every fact out."""
        return dict.fromkeys(("fact", "add", "cursor"))


def written(name: str, value: str) -> str:
    """A fact as the address has it; a name with a colon stands in quotes."""
    return f'"{name}":{value}' if ":" in name else f"{name}:{value}"


def read(text: str) -> Fact | None:
    """The name and the value of a fact, None for what is none; a bare address is a user's."""
    if len(text) > LONGEST:
        return None
    if match := _QUOTED.fullmatch(text):
        name, value = match[1], match[2]
    else:
        name, colon, value = text.partition(":")
        if not colon and "@" in text:
            name, value = "user", text
    name, value = name.strip(), value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return (name, value) if name and value else None
