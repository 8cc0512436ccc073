"""What files there may be, and what they are called."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import wtforms
from wtforms.fields.core import UnboundField

import console.app  # noqa: F401 - imports every form
from tests.support.databases import ROOT

VAGUE = {"util", "utils", "helper", "helpers", "service", "services", "common", "manager", "misc"}
VENDORED = (".min.js", ".min.css", ".whl", ".tgz", ".jar")
LARGEST = 300_000
COMMITTED = [
    Path(name)
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    if (ROOT / name).exists()
]
MODULES = [path for path in COMMITTED if path.parts[0] == "console" and path.suffix == ".py"]


def test_no_third_party_code_is_committed():
    foreign = [
        path for path in COMMITTED if "node_modules" in path.parts or path.name.endswith(VENDORED)
    ]
    assert foreign == []


def test_no_large_file_is_committed():
    large = [
        path
        for path in COMMITTED
        if (ROOT / path).stat().st_size > LARGEST and path.suffix not in {".lock", ".png"}
    ]
    assert large == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locked_python_packages_carry_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text()
    for requirement in text.replace("\\\n", " ").splitlines():
        assert "--hash=sha256:" in requirement, requirement
    assert "://" not in text


@pytest.mark.parametrize("folder", ["console/static", "tests/node", "tests/node/runtime"])
def test_locked_npm_packages_carry_hashes_and_no_address(folder):
    text = (ROOT / folder / "package-lock.json").read_text()
    assert text.count('"integrity"') == text.count('"node_modules/')
    assert "://" not in text


def test_modules_are_named_by_nouns_of_the_domain():
    vague = [path for path in MODULES if path.stem in VAGUE]
    assert vague == []


def test_only_modules_of_views_and_api_hold_routes():
    misplaced = [
        path
        for path in MODULES
        if "@bp." in (ROOT / path).read_text()
        and path.stem.rpartition("_")[2] not in {"views", "api"}
        and path.parent.name not in {"views", "api"}
    ]
    assert misplaced == []


def test_forms_take_numbers_in_bounds():
    """WTForms' own field gives NumberRange an integer of any size, which makes a float of it."""
    waiting, unbounded = [wtforms.Form], set()
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        fields = [field for field in vars(form).values() if isinstance(field, UnboundField)]
        if any(field.field_class is wtforms.IntegerField for field in fields):
            unbounded.add(form.__name__)
    assert unbounded == set()


def test_an_error_that_is_logged_says_what_it_is_without_its_values():
    """The console's own issues carry no values, so a bare %s would be an issue without a name."""
    bare = re.compile(r"\.(?:error|exception|critical)\(\s*[rf]?\"%s\"")
    nameless = [path for path in MODULES if bare.search((ROOT / path).read_text())]
    assert nameless == []


def test_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_no_two_classes_of_a_package_share_a_name():
    places: dict[tuple[str, str], list[str]] = {}
    for path in MODULES:
        for node in ast.parse((ROOT / path).read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault((path.parts[1], node.name), []).append(path.as_posix())
    assert [paths for paths in places.values() if len(paths) > 1] == []
