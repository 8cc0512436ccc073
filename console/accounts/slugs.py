"""The names in URLs: which are allowed, and the one that a title becomes."""

import re
import unicodedata
from collections.abc import Collection

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from console.accounts.models import SLUG

LONGEST_TITLE = 200  # the library takes time by the square of a text's accents

# What stands first in a path of the console itself, now or soon.
RESERVED = frozenset(
    {
        "a",
        "account",
        "api",
        "assets",
        "dashboards",
        "docs",
        "favicon",
        "healthz",
        "hooks",
        "invite",
        "login",
        "logout",
        "metrics",
        "new",
        "organizations",
        "r",
        "ready",
        "robots",
        "settings",
        "setup",
        "shared",
        "slack",
        "static",
        "status",
        "tunnel",
        "u",
    }
)

OPERATORS = "pharos-operators"  # what nobody's title may become


class SlugConverter(BaseConverter):
    """Lower-case letters, digits and hyphens, as `<slug:project>` in a rule."""

    regex = rf"[a-z0-9][a-z0-9-]{{0,{SLUG - 1}}}"

    def to_python(self, value: str) -> str:
        """Leave the console's own names to the rules that spell them out."""
        if value in RESERVED:
            raise ValidationError
        return value


def init_app(app: Flask) -> None:
    """Let rules say `<slug:…>`; must run before blueprints are registered."""
    app.url_map.converters["slug"] = SlugConverter


def slug_of(title: str, taken: Collection[str] = ()) -> str:
    """Return the slug of a title, numbered when it is reserved or among `taken`."""
    ascii_bytes = unicodedata.normalize("NFKD", title[:LONGEST_TITLE]).encode("ascii", "ignore")
    plain = ascii_bytes.decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: SLUG - 5].strip("-") or "unnamed"
    number = 1
    free = slug
    while free in taken or free in RESERVED or free == OPERATORS:
        number += 1
        free = f"{slug}-{number}"
    return free
