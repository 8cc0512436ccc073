"""`pharos serve`, `migrate` and `status`."""

import json
from typing import Any

import click

from console import runtime
from console.cli.commands import AS_JSON, open_console, pharos, settings_of_environment
from console.core import logs, migrations


@pharos.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--threads", type=click.IntRange(1), help="Threads that answer [PHAROS_WEB_THREADS].")
@click.option("--migrate/--no-migrate", default=True, help="Bring the database up to date first.")
def serve(host: str, port: int, threads: int | None, *, migrate: bool) -> None:
    """Run the console.

    Answers requests, digests what clients send, and runs the scheduled jobs, until it is ended.
    """
    logs.begin()
    settings = settings_of_environment()
    threads = threads or settings.web_threads
    runtime.serve(settings, host=host, port=port, threads=threads, migrate=migrate)


@pharos.command("migrate")
def migrate_command() -> None:
    """Bring the state database up to the newest revision."""
    migrations.upgrade(settings_of_environment())
    click.echo("The database is up to date.")


@pharos.command()
@AS_JSON
def status(*, as_json: bool) -> None:
    """Tell how the console is doing.

    Works whether or not a console runs; exits with 1 when none does.
    """
    with open_console():
        found = runtime.status()
    if as_json:
        click.echo(json.dumps(found))
    else:
        _print_status(found)
    if not found["running"]:
        click.get_current_context().exit(1)


def _print_status(found: dict[str, Any]) -> None:
    waiting = found["spool"]
    click.echo(f"console    {found['url'] if found['running'] else 'not running'}")
    click.echo(f"spool      {waiting['rows']} rows wait ({waiting['bytes']:,} bytes)")
    click.echo(f"lag        {waiting['lag_seconds']} s")
    click.echo(f"dead       {waiting['dead_letters']} dead letters")
    for damage in found["damage"]:
        click.echo(f"damage     {damage}")
    for organization, position in found["positions"].items():
        click.echo(f"position   {position}  {organization}")
    if found["backup"]:
        click.echo(f"backup     {_about_backup(found['backup'])}")


def _about_backup(note: dict[str, Any]) -> str:
    good = f"the last good one is of {note['good_at']}, in {note['good_folder']}"
    since = good if note["good_at"] else "there is no good one"
    if note["lacks"]:
        return f"NOT WHOLE at {note['ended_at']}, in {note['folder']}: {note['lacks']}; {since}"
    if note["error"]:
        return f"failed at {note['ended_at']}: {note['error']}; {since}"
    return good if note["ended_at"] else f"under way: {note['stage']}"
