"""`pharos serve`."""

import click

from console import runtime
from console.cli.commands import pharos, settings_of_environment
from console.core import logs


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
