"""What a console closes when it is asked to end."""

from console import runtime
from console.telemetry import store
from tests.ingest.conftest import error


def test_telemetry_is_closed(app, acme, accepted, digest):
    accepted(acme, error())
    digest.drain()
    with app.app_context():
        files = store.current()
        assert open_files(files) == [acme.organization_id]
        runtime.begin(app, "http://localhost:8000")
        runtime.end(app)
        assert open_files(files) == []


def open_files(files):
    return [organization for organization, slot in files._slots.items() if slot.database]
