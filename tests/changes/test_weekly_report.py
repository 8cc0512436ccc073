"""The weekly report on what got slightly worse, as its mail says it."""

from console.reports import making
from console.reports.models import Report, Subject


def test_what_got_slightly_worse_is_a_table_below_its_sentence(past, acme, judged, inside, app):
    past.requests("GET /a", [400.0] * 9 + [650.0])
    judged(acme)
    with inside(acme), app.test_request_context(base_url="http://pharos.test"):
        report = Report(
            project_id=acme.id, name="Worse", subject=Subject.WORSE, range="7d",
            environment="", zone="UTC", variables={}, tile_id="", cron="0 8 * * *",
        )  # fmt: skip
        frozen = making.previewed(report)
        assert frozen.sentence.startswith("GET /a got slower: P95 650 ms")
        assert [cell.text for cell in frozen.blocks[0].rows[0][:4]] == [
            "GET /a", "got slower", "400 ms", "650 ms",
        ]  # fmt: skip
