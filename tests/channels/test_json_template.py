"""Templates of JSON: each value is written for its place, and no value can leave it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.channels.json_template import TemplateError, filled

VALUES = {
    "text": 'a "quote", a \\ and\na line',
    "number": 7,
    "nothing": None,
    "list": [{"label": "a", "text": "b"}],
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_a_value_in_quotes_is_text_and_elsewhere_a_value():
    template = '{"a": "<{{ text }}>", "b": {{ list }}, "c": {{number}}, "d": "{{ nothing }}"}'
    assert json.loads(filled(template, VALUES)) == {
        "a": f"<{VALUES['text']}>",
        "b": VALUES["list"],
        "c": 7,
        "d": "",
    }


def test_a_value_is_cut_where_the_template_says_so():
    assert json.loads(filled('"{{ text:5 }}"', {"text": '""""""'})) == '""""…'
    assert json.loads(filled('"{{ text:6 }}"', {"text": '""""""'})) == '""""""'


def test_escaped_quotes_of_the_template_end_no_string():
    template = r'{"a": "\"{{ text }}\\", "b": "{{ text }}"}'
    assert json.loads(filled(template, VALUES)) == {
        "a": f'"{VALUES["text"]}\\',
        "b": VALUES["text"],
    }


@settings(deadline=None, max_examples=60)
@given(st.text(), ANYTHING)
def test_no_value_leaves_its_place(text, value):
    values = {"text": text, "value": value}
    template = '["-{{ text }}-", {{ value }}, {"{{ text }}": {{ text }}}, 1]'
    result = json.loads(filled(template, values))
    assert result == [f"-{text}-", value, {text: text}, 1]


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ('{"a":\n "{{ txet }}"}', "Line 2: there is no value txet. Do you mean text?"),
        ('{"a": {{ zzz }}}', "there is no value zzz."),
        ('{"a": "{{ list }}"}', "list is a list"),
        ('{"a": "{{ text"}', "{{ has no }}"),
        ('{"a": {{ text:5 }}}', "only inside of quotes"),
        ('{"a": "{{ text:x }}"}', "does not end with a number"),
        ('{"a": "{{ text:0 }}"}', "does not end with a number"),
        ('{"a": "{{ text.__class__ }}"}', "is no name of a value"),
        ('{"a": "{{ 7*7() }}"}', "is no name of a value"),
        ('{"a": "{{ }}"}', "is no name of a value"),
        ('{"a": {{ text }}', "not JSON"),
        ('{"a": NaN}', "NaN is no number"),
        ("", "not JSON"),
        ('"\ud800"', "half a character"),
        ("[" * 5_000, "more than 50 levels"),
        ("[" * 51 + "]" * 51, "more than 50 levels"),
        ('{"a":' * 51 + "1" + "}" * 51, "more than 50 levels"),
        ("9" * 5_000, "a number in it is too long"),
        (" " * 20_001, "at most 20,000 characters"),
        ("{{ number }}," * 201, "at most 200 values"),
    ],
)
def test_a_template_that_cannot_be_used_says_where_and_why(template, sentence):
    with pytest.raises(TemplateError) as error:
        filled(template, VALUES)
    assert sentence in str(error.value)


def test_fifty_levels_are_enough():
    assert filled("[" * 50 + "1" + "]" * 50, VALUES).count("[") == 50


def test_the_result_is_bounded():
    with pytest.raises(TemplateError, match="larger than 256 KB"):
        filled("[" + ",".join(['"{{ text }}"'] * 200) + "]", {"text": "é" * 2_000})


@pytest.mark.parametrize("character", ['"', "{", "}", "\\", "{{", "}}", "{{a", '"{{', ":"])
def test_hostile_templates_take_no_long_time(character):
    template = (character * 20_000)[:20_000]
    began = time.process_time()
    with pytest.raises(TemplateError):
        filled(template, VALUES)
    assert time.process_time() - began < 0.5
