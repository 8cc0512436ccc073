import time

import pytest

from console.core.urls import LONGEST_AUTHORITY, split_url
from tests.architecture.test_sources import MODULES
from tests.support.databases import ROOT


@pytest.mark.parametrize("lead", ["http://", "//", "  a+b://", "h\nttp:/\t/", "\0http://u:p@"])
def test_a_host_that_cannot_be_is_refused_before_it_is_read(lead):
    began = time.thread_time()
    with pytest.raises(ValueError, match="too long"):
        split_url(lead + "\u0301\u0316" * 32_000)
    assert time.thread_time() - began < 0.5


def test_other_urls_are_taken_apart():
    long = "a" * 64_000
    assert split_url(f"https://u:p@shop.test:8443/{long}?{long}#{long}").port == 8443
    assert split_url(f"/{long}//{long}").path == f"/{long}//{long}"
    assert split_url(f"//{'a' * (LONGEST_AUTHORITY - 1)}").netloc


def test_no_module_takes_urls_apart_by_itself():
    own = {"console/core/urls.py"}
    assert {str(path) for path in MODULES if "urlsplit" in (ROOT / path).read_text()} == own
