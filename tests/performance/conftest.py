from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def get(as_script: Any, acme: Any) -> Callable[..., Any]:
    """`get(path, sort="p95")` asks the API of acme with a token that may read performance."""
    script = as_script(acme, "performance:read")
    return lambda path, **arguments: script.get(path, query_string=arguments or None)
