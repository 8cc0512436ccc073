"""Check the size budgets of functions, modules, templates and their lines, scripts, conftests."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SKIPPED = {".venv", "node_modules", ".git", "instance", "screenshots"}
FUNCTION, MODULE, TEMPLATE, SCRIPT, CONFTEST = 50, 400, 150, 150, 200
TEMPLATE_LINE = 160

# "path" or "path:function" -> (lines allowed, why)
RAISED: dict[str, tuple[int, str]] = {}


def main() -> int:
    """Print everything over its budget; 1 if there is anything."""
    over = [line for path in files() for line in check(path)]
    print("\n".join(over) or "sizes: everything within its budget")
    return 1 if over else 0


def files() -> Iterator[Path]:
    """Every file of the repository that is not a package or cache, by name."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIPPED)  # not walked: packages are most of the files
        yield from (Path(folder, name) for name in sorted(names))


def check(path: Path) -> Iterator[str]:
    """One line for each budget that this file breaks."""
    name = path.relative_to(ROOT).as_posix()
    limit = budget(path)
    if limit is None:
        return
    text = path.read_text()
    yield from complain(name, text.count("\n"), limit)
    if path.suffix == ".html":
        for number, line in enumerate(text.splitlines(), 1):
            if (length := len(line.encode())) > TEMPLATE_LINE:
                yield f"{name}:{number}: {length} bytes, at most {TEMPLATE_LINE}"
    if path.suffix == ".py" and not name.startswith("migrations/"):  # one call per table, no logic
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from complain(f"{name}:{function.name}", lines_of(function), FUNCTION)


def budget(path: Path) -> int | None:
    """How many lines this kind of file may have; None if it is not counted."""
    if path.name == "conftest.py":
        return CONFTEST
    return {".py": MODULE, ".html": TEMPLATE, ".js": SCRIPT}.get(path.suffix)


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the last line, less the docstring: explaining is not what is budgeted."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    doc = function.body[0]
    if ast.get_docstring(function) is not None:
        total -= (doc.end_lineno or doc.lineno) - doc.lineno + 1
    return total


def complain(name: str, count: int, limit: int) -> Iterator[str]:
    """A line if the count is over the limit, raised or not."""
    limit = RAISED.get(name, (limit, ""))[0]
    if count > limit:
        yield f"{name}: {count} lines, at most {limit}"


if __name__ == "__main__":
    sys.exit(main())
