from base64 import urlsafe_b64encode

import orjson
import pytest
from sqlalchemy import select

from console.core.cursors import BadCursor
from console.core.paging import page
from console.errors.events import _mark
from console.errors.models import Issue


def cursor(*parts: object) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


@pytest.mark.parametrize(
    "key",
    [
        ("older", "0001-01-01T00:00:00+14:00", 1),
        ("older", "9999-12-31T23:59:59-14:00", 1),
        ("older", "2026-11-23", 2**31),
        ("older", "2026-11-23", 1.5),
        ("older", "2026-11-23", True),
        ("older", "2026-11-23", "1"),
        ("sideways", "2026-11-23", 1),
        ("older", "2026-11-23"),
        ("older", None, None),
    ],
)
def test_a_cursor_with_what_no_row_has_is_none_of_the_list(app, key):
    with app.app_context(), pytest.raises(BadCursor):
        page(select(Issue), (Issue.last_seen, Issue.id), cursor(*key), 10)


@pytest.mark.parametrize(
    "text",
    [
        f"0001-01-01T00:00:00+14:00 {'a' * 32}",
        f"2026-11-23T00:00:00+00:00 -{'a' * 31}",
        f"2026-11-23T00:00:00+00:00 {'٣' * 32}",
        "2026-11-23T00:00:00+00:00",
    ],
)
def test_a_mark_of_no_event_is_none_of_the_list(text):
    with pytest.raises(BadCursor):
        _mark(urlsafe_b64encode(text.encode()).decode())
