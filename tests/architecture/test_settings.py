"""Every setting stands in the README's table, as the code has it."""

from dataclasses import fields

import pytest

from console.core.config import Config
from tests.support.databases import ROOT
from tools.settings_table import table


def test_readme_shows_the_table_that_the_code_gives():
    assert table() in (ROOT / "README.md").read_text(), "run: python -m tools.settings_table"


@pytest.mark.parametrize("setting", fields(Config), ids=lambda setting: setting.name)
def test_every_setting_has_a_variable_and_a_sentence(setting):
    assert setting.metadata["env"].isupper()
    assert setting.metadata["doc"].endswith((".", "…"))
