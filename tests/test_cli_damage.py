"""What commands say about damaged files."""

from console.ingest import salvage
from tests.test_cli import says

__all__ = ["says"]


def test_a_console_does_not_start_on_a_damaged_state_database(says, instance, database):
    (instance / "state.sqlite").write_bytes(b"\xff" * 5000)
    said = says("serve", "--port", "0")
    assert said.code == 1
    assert "state.sqlite is damaged" in said.err
    assert "pharos restore FOLDER" in said.err


def test_a_telemetry_file_is_set_aside_by_a_command(says, acme, instance):
    missing = says("telemetry", "set-aside", "acme")
    assert (missing.code, "has no telemetry file" in missing.err) == (1, True)
    path = instance / "telemetry" / f"{acme.organization_id}.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    assert "is set aside as" in says("telemetry", "set-aside", "acme").out
    assert [one.read_bytes() for one in path.parent.iterdir()] == [b"damaged"]
    assert not path.exists()


def test_status_says_what_was_damaged(says, acme, instance):
    salvage.set_aside(_damaged(instance / "spool.sqlite"), ("k" * 40,), "a test")
    assert "the spool was damaged (a test) and is set aside as" in says("status").out


def _damaged(path):
    path.write_bytes(b"\xff" * 3000)
    return path
