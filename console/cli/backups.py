"""`pharos backup` and `pharos restore`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from console.backup import orders, restoration
from console.backup.copies import BackupFailed
from console.backup.manifest import Manifest
from console.backup.orders import Order
from console.backup.verification import Check, verify
from console.cli.commands import open_console, pharos, settle
from console.core.config import Config
from console.ingest import pipeline
from console.telemetry import store

MEGABYTE = 1_000_000
INCOMPLETE = 3
"""The exit code when a backup is good and lacks the telemetry of somebody."""
AFTER_RESTORE = """\
What is not sent: messages about incidents. Delivery is held from the first start on, until \
somebody decides what becomes of old ones, on Organization > Deliveries or by pharos outbox release.
What is gone: events that were accepted after the backup was made, and issues, comments, keys, \
tokens, people and sign-ins that were made since.
What is back: keys, tokens, memberships and sign-ins that were revoked or ended since. Look at \
them before you serve this instance to others."""


class BackupGroup(click.Group):
    """`pharos backup FOLDER` makes one; a folder named like a command is written `./verify`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take what names no command for the arguments of `make`."""
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)


@pharos.group(
    cls=BackupGroup,
    context_settings={"ignore_unknown_options": True},
    subcommand_metavar="FOLDER | verify FOLDER",
)
def backup() -> None:
    """Make a backup into FOLDER, or check one.

    Works while the console runs: clients' events are accepted meanwhile, and shown a little later.
    `pharos backup make --help` has the options.
    """


@backup.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--throttle", type=click.FloatRange(0, min_open=True), help="Copy at most so many MB a second."
)
def make(folder: Path, throttle: float | None) -> None:
    """Make a backup into FOLDER.

    The folder must not exist yet, or be empty. `pharos backup FOLDER` is short for this.
    Exits with 3 if it is made and lacks a telemetry file, because that is damaged.
    """
    order = Order(folder=str(folder.absolute()), bytes_per_second=int((throttle or 0) * MEGABYTE))
    with open_console(store.init_app, pipeline.init_app), complaining():
        note = orders.order_or_make(order, lambda stage: click.echo(stage, err=True))
        made = Manifest.read(folder)
    click.echo(
        f"{folder} holds {note.copied:,} bytes as they were at {made.made_at}; made in"
        f" {note.seconds:.1f} s, the digest waited for {made.paused_seconds:.1f} s."
    )
    if made.key_included:
        click.echo("The secret key is in it: whoever has the folder reads everything.")
    else:
        click.echo("SECRET_KEY is not in it: keep it apart; without it the spool stays sealed.")
    _end_incomplete(folder, made)


@backup.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
def verify_command(folder: Path) -> None:
    """Check a backup.

    Reads all of it, changes nothing, and says what is wrong with it. Exits with 1 if something
    is, and with 3 if all is good and a telemetry file was left out.
    """
    described, checks = verify(folder, Config.from_environ(os.environ))
    if not _printed(checks) or described is None:
        raise click.ClickException(f"{folder} is not a good backup")
    _end_incomplete(folder, described)


@pharos.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--incomplete", is_flag=True, help="Even if it lacks the telemetry of somebody.")
def restore(folder: Path, *, incomplete: bool) -> None:
    """Put a backup in the place of what is there.

    The console must be stopped. What the instance holds is set aside, not deleted.
    """
    settings = Config.from_environ(os.environ)
    with complaining():
        settle(settings)
        checks, done = restoration.restore(folder, settings, incomplete=incomplete)
    if not _printed(checks) or done is None:
        raise click.ClickException(f"{folder} is not a good backup: nothing was touched")
    click.echo(f"The instance is as it was at {done.made_at}.")
    for path in done.aside:
        click.echo(f"What it held before is in {path}: delete that when you miss nothing.")
    if done.lacks:
        click.echo(f"Begun anew, because {done.lacks}.")
    click.echo(AFTER_RESTORE)


@contextmanager
def complaining() -> Iterator[None]:
    """Say in one sentence why a backup failed."""
    try:
        yield
    except BackupFailed as error:
        raise click.ClickException(str(error)) from error


def _end_incomplete(folder: Path, described: Manifest) -> None:
    """Say what a good backup lacks, and exit with a code of its own; nothing if it is whole."""
    if described.missing:
        click.echo(f"pharos: {folder} is NOT WHOLE: {described.lacks}", err=True)
        click.get_current_context().exit(INCOMPLETE)


def _printed(checks: Sequence[Check]) -> bool:
    for check in checks:
        click.echo(f"{'ok ' if check.good else 'BAD'}  {check.sentence}", err=not check.good)
    return bool(checks) and all(check.good for check in checks)
