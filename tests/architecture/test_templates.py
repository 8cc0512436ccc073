"""The rules that templates keep, because the content security policy and htmx 4 demand them."""

import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.architecture.test_sources import MODULES
from tests.support.databases import ROOT

FOLDER = ROOT / "console" / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
PARTS = [p for p in TEMPLATES if p.name.startswith("_") and p.parent.name not in {"layout", "ui"}]
VIEWS = "".join((ROOT / path).read_text() for path in MODULES)
# What htmx is answered with; the other parts are only ever included in a page.
ANSWERS = [p for p in PARTS if f'"{p.relative_to(FOLDER).as_posix()}"' in VIEWS]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
REQUESTS = {"hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete"}
# In htmx 4 these reach no child unless they say `:inherited`.
INHERITABLE = {
    "hx-boost",
    "hx-confirm",
    "hx-disable",
    "hx-encoding",
    "hx-headers",
    "hx-include",
    "hx-indicator",
    "hx-params",
    "hx-push-url",
    "hx-replace-url",
    "hx-select",
    "hx-select-oob",
    "hx-swap",
    "hx-sync",
    "hx-target",
    "hx-vals",
}


@dataclass
class Element:
    """A start tag as written, Jinja's own marks taken out."""

    tag: str
    attributes: dict[str, str]
    line: int
    top: bool
    text: str = field(default="", compare=False)


class Elements(HTMLParser):
    """Collects the start tags of a template."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[str] = []
        self.feed(re.sub(r"\{\{.*?\}\}", "X", without_control(source), flags=re.DOTALL))

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {k: v or "" for k, v in attrs}, self.getpos()[0], not self.open)
        self.found.append(element)
        if tag not in VOID and "/>" not in (self.get_starttag_text() or "")[-2:]:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if self.found and self.open[-1:] == ["script"]:
            self.found[-1].text += data


def without_control(source: str) -> str:
    """Take out comments and statements, keep the line numbers."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}", newlines, source, flags=re.DOTALL)


def without_macros(source: str) -> str:
    """Take out what stands in macros: it is shown where they are called."""
    return re.sub(r"\{%-? *macro .*?endmacro *-?%\}", newlines, source, flags=re.DOTALL)


def newlines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


@cache
def elements(path: Path) -> list[Element]:
    return Elements(path.read_text()).found


def name(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def nothing_is_inline_that_the_policy_forbids(path):
    for element in elements(path):
        where = f"line {element.line}: <{element.tag}>"
        assert "style" not in element.attributes, f"{where} has a style attribute"
        assert element.tag != "style", f"{where}: styles live in static/css"
        for attribute in element.attributes:
            assert not attribute.startswith(("on", "hx-on")), f"{where} has {attribute}"
        if element.tag == "script" and element.attributes.get("type") != "application/json":
            assert "src" in element.attributes, f"{where} is inline"
            assert element.text.strip() == "", f"{where} is inline"


def text_of_a_list_row_stands_beside_its_icon(path):
    """Text that is longer than its row, and no .list-text, goes below the icon."""
    bare = re.search(r"<li[^>]*>\s*\{\{ ui\.icon\([^)]*\) \}\}\s*<div>", path.read_text())
    assert bare is None, bare


def htmx_evaluates_no_script(path):
    for element in elements(path):
        where = f"line {element.line}: <{element.tag}>"
        assert "[" not in element.attributes.get("hx-trigger", ""), f"{where} filters its trigger"
        for attribute in ("hx-vals", "hx-headers"):
            assert not element.attributes.get(attribute, "").startswith(("js:", "javascript:")), (
                where
            )


def htmx_attributes_stand_where_they_work(path):
    for element in elements(path):
        asked = REQUESTS.intersection(element.attributes) or element.tag == "hx-partial"
        idle = INHERITABLE.intersection(element.attributes)
        assert asked or not idle, (
            f"line {element.line}: <{element.tag}> makes no request, so {idle} needs `:inherited`"
        )


def a_form_that_htmx_posts_works_without_it(path):
    for element in elements(path):
        if element.tag == "form" and "hx-post" in element.attributes:
            assert element.attributes.get("method", "").lower() == "post", f"line {element.line}"
            assert "action" in element.attributes, f"line {element.line}: no action"


def no_link_leaves_by_javascript(path):
    for element in elements(path):
        assert not element.attributes.get("href", "").startswith("javascript:")


def a_question_before_an_act_names_what_is_lost(path):
    acts = "Delete|Remove|Discard|Revoke|Renew|Disable|Unlink|Withdraw|Send"
    bare = re.search(rf'confirm="(?:{acts}) [^"{{}}]*"(?!\s*~)', path.read_text())
    assert bare is None, bare


def a_part_names_its_inputs_first(path):
    assert path.read_text().startswith("{#"), "the first line is a comment that names the inputs"


def an_answer_to_htmx_has_a_root_with_an_id(path):
    found = Elements(without_macros(path.read_text())).found
    roots = [element for element in found if element.top and element.tag != "hx-partial"]
    assert roots or "{% include" in path.read_text(), "a part is an element"
    for root in roots:
        assert "id" in root.attributes, f"line {root.line}: <{root.tag}> at the root has no id"


RULES = {
    nothing_is_inline_that_the_policy_forbids: TEMPLATES,
    text_of_a_list_row_stands_beside_its_icon: TEMPLATES,
    htmx_evaluates_no_script: TEMPLATES,
    htmx_attributes_stand_where_they_work: TEMPLATES,
    a_form_that_htmx_posts_works_without_it: TEMPLATES,
    no_link_leaves_by_javascript: TEMPLATES,
    a_question_before_an_act_names_what_is_lost: TEMPLATES,
    a_part_names_its_inputs_first: PARTS,
    an_answer_to_htmx_has_a_root_with_an_id: ANSWERS,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_template_keeps_a_rule(rule):
    """All templates in a test of each rule: thousands of tests would be of the runner alone."""
    broken = {}
    for path in RULES[rule]:
        try:
            rule(path)
        except AssertionError as error:
            broken[name(path)] = str(error).partition("\n")[0]
    assert RULES[rule]
    assert broken == {}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (nothing_is_inline_that_the_policy_forbids, '<p style="color: red">'),
        (nothing_is_inline_that_the_policy_forbids, "<script>alert(1)</script>"),
        (nothing_is_inline_that_the_policy_forbids, "{% if x %}<a onclick='x()'>{% endif %}"),
        (nothing_is_inline_that_the_policy_forbids, '<b hx-on:click="x()">'),
        (text_of_a_list_row_stands_beside_its_icon, '<li id="a">{{ ui.icon("key") }} <div>'),
        (htmx_evaluates_no_script, '<b hx-get="/" hx-trigger="click[ctrlKey]">'),
        (htmx_evaluates_no_script, '<b hx-get="/" hx-vals="js:{a: 1}">'),
        (
            htmx_attributes_stand_where_they_work,
            '<div hx-target="#a"><b hx-get="/"></b></div>',
        ),
        (a_form_that_htmx_posts_works_without_it, '<form hx-post="/x">'),
        (no_link_leaves_by_javascript, '<a href="javascript:x()">'),
        (a_question_before_an_act_names_what_is_lost, '{{ b(confirm="Delete this report?") }}'),
        (a_part_names_its_inputs_first, '<li id="a"></li>'),
        (an_answer_to_htmx_has_a_root_with_an_id, "{# x #}<li></li>"),
        (an_answer_to_htmx_has_a_root_with_an_id, '{# x #}<li id="a"></li><li></li>'),
        (an_answer_to_htmx_has_a_root_with_an_id, "{# x #}text"),
    ],
)
def test_the_rules_find_what_they_look_for(rule, source, tmp_path):
    path = tmp_path / "_part.html"
    path.write_text(source)
    with pytest.raises(AssertionError):
        rule(path)
