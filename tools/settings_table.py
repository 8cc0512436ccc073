"""Write the table of settings into README.md, from the settings themselves."""

import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from console.core.config import Config

README = Path(__file__).parent.parent / "README.md"
HEAD = "| variable | default | what it does |\n|---|---|---|\n"


def table() -> str:
    """Return the table in Markdown, one row for each setting."""
    return HEAD + "".join(row(setting) for setting in fields(Config))


def row(setting: Field[Any]) -> str:
    """Return one line of the table."""
    default = setting.default
    plain = int(default) if isinstance(default, bool) else default
    shown = f"`{plain}`" if default not in {"", ()} else ""
    return f"| `{setting.metadata['env']}` | {shown} | {setting.metadata['doc']} |\n"


def main() -> None:
    """Replace the table that stands there."""
    text = README.read_text()
    README.write_text(re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table(), text))


if __name__ == "__main__":
    main()
