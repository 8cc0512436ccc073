"""Names and sentences in the field's words: no pronoun is a name, no phrase must be read twice."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.support.databases import ROOT

PRONOUNS = {
    "another", "both", "each", "found", "it", "its", "one", "ones", "other", "others", "said",
    "some", "that", "them", "these", "they", "this", "those", "told", "what", "which", "who",
}  # fmt: skip
# The names that a loop or an assignment of a template binds, or the arguments of a macro.
BOUND = re.compile(r"\{%-? (?:for|set) ([\w, ]+?) (?:in|=)\s|\{%-? macro \w+\(([^)]*)\)")
PHRASES = re.compile(r"\b(of ours|of theirs|those of|told|asked of|none of)\b", re.IGNORECASE)

# What readers stumbled over. Say "previous period", "no longer", "starts over".
STUMBLES = re.compile(
    r"\b(the period before|leads? nowhere|nobody of|begins? anew|any more|heard of|what became of"
    r"|makes no sense|whoever knows|whoever has)\b",
    re.IGNORECASE,
)


def test_no_pronoun_is_a_name():
    assert [place for path in modules() for place in pronouns(path)] == []


def test_no_pronoun_is_a_name_in_a_template():
    bound = [
        (path.relative_to(ROOT), name)
        for path in pages()
        if path.suffix == ".html"
        for match in BOUND.finditer(path.read_text())
        for name in re.findall(r"\w+", match[1] or re.sub(r"=[^,)]*", "", match[2]))
    ]
    assert len(bound) > 200
    assert [(path, name) for path, name in bound if name in PRONOUNS] == []


def test_no_sentence_has_a_phrase_to_avoid():
    sentences = [
        (path, number, sentence)
        for paths, read in ((modules(), sentences_of_code), (pages(), lines))
        for path in paths
        for number, sentence in read(path)
    ]
    assert len(sentences) > 5_000
    assert [
        f"{path.relative_to(ROOT)}:{number} {match[0]}"
        for path, number, sentence in sentences
        if (match := PHRASES.search(sentence))
    ] == []


def test_pages_say_what_readers_understand_at_once():
    shown = [
        (path, re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL))
        for path in pages()
        if path.suffix == ".html"
    ]
    assert len(shown) > 200
    stumbles = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in shown
        for match in STUMBLES.finditer(" ".join(text.split()))
    ]
    assert stumbles == []


def modules() -> list[Path]:
    return [
        path
        for root in ("console", "bench", "demo", "tools")
        for path in sorted((ROOT / root).rglob("*.py"))
        if path.relative_to(ROOT).parts[1] != "static"
    ]


def pages() -> list[Path]:
    """The templates and the documentation."""
    templates = sorted((ROOT / "console/templates").rglob("*.html"))
    return [*templates, *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]


def pronouns(path: Path) -> Iterator[str]:
    """The places of a file where a name is bound that says nothing of what it stands for."""
    for node in ast.walk(ast.parse(path.read_text())):
        name = bound_name(node)
        if name.strip("_").lower() in PRONOUNS:
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}"


def bound_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return name
        case ast.alias(asname=str(name)) | ast.MatchStar(name=str(name)):
            return name
        case _:
            return ""


def sentences_of_code(path: Path) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and messages, with the line that each begins in."""
    text = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


def lines(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(path.read_text().splitlines(), 1)
