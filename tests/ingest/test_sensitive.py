"""The quick tests that leave most texts alone leave no form of secret alone."""

from hypothesis import given
from hypothesis import strategies as st

from console.ingest.sensitive import SHAPES, has_shape
from tests.ingest.test_scrub import JWT, KEY, SECRET

SECRETS = st.sampled_from(
    [
        "phs_" + "aB3-" * 11, KEY, JWT, f"Bearer {SECRET}", "basic c2hvcDpzM2NyM3QtUGxhbnRlZA==",
        f"a://u:{SECRET}@h", f"://{SECRET}:x@", "AKIAIOSFODNN7EXAMPLE", "ASIA" + "A1" * 8,
        "AROA" + "A1" * 8, "AIDA" + "A1" * 8, "AIza" + "Ab" * 20, "sk_live_" + "a" * 12,
        "rk_test_" + "a" * 12, "pk_live_" + "a" * 12, *(f"gh{k}_" + "a1" * 15 for k in "pousr"),
        "github_pat_" + "a" * 30, "glpat-" + "a" * 20, *(f"xox{k}-" + "1" * 12 for k in "abeprs"),
        "npm_" + "a" * 36, "pypi-" + "a" * 40, f"SG.{'a' * 20}.{'b' * 20}", "sk-" + "a" * 24,
        "sk-ant-" + "a" * 24, "hf_" + "a" * 24, "dop_v1_" + "a" * 24, "shpat_" + "a" * 24,
        "shpca_" + "a" * 24, "shppa_" + "a" * 24, "shpss_" + "a" * 24, "sntrys_" + "a" * 24,
        "sntryu_" + "a" * 24, "phx_" + "a" * 24, f"--db-password {SECRET}", f"--api-key '{SECRET}'",
        "4111 1111 1111 1111", "4111-1111-1111-1111", "5500005555555559", "378282246310005",
    ]
)  # fmt: skip
AROUND = st.sampled_from(["", " ", "_", "-", "x", "9", ".", "/", "'", "\n", "=", "%2F", "é"])


@given(AROUND, SECRETS, AROUND)
def test_the_quick_tests_pass_over_no_shape(before, secret, after):
    text = before + secret + after
    lowered = text.lower()
    for shape in SHAPES:
        if shape.pattern.search(text):
            assert shape.may_be_in(lowered), shape.reason
            assert has_shape(lowered), shape.reason


@given(SECRETS)
def test_each_of_these_secrets_has_a_shape(secret):
    assert any(shape.pattern.search(secret) for shape in SHAPES)
