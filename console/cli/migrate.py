"""`pharos migrate`."""

import click

from console.cli.commands import open_console, pharos, settings_of_environment
from console.core.revisions import revisions

NEW = (
    "A new database was made, at revision {}.\n"
    "`pharos serve` starts the console, and prints its address and a link to set it up."
)


@pharos.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when there is work to do.")
def migrate(*, check: bool) -> None:
    """Bring the state database up to the newest revision."""
    if check:
        _check()
        return
    # Alembic takes as long to load as the check takes in all
    from console.core import migrations  # noqa: PLC0415

    before, after = migrations.upgrade(settings_of_environment())
    if before is None:
        click.echo(NEW.format(after))
    elif before == after:
        click.echo(f"The database is up to date, at revision {after}.")
    else:
        click.echo(f"The database was at revision {before}, and is now at {after}.")


def _check() -> None:
    with open_console():
        present, newest = revisions()
    if present == newest:
        click.echo(f"The database is up to date, at revision {present}.")
        return
    place = f"is at revision {present}" if present else "has no tables yet"
    raise click.ClickException(
        f"the database {place}, and {newest} is wanted: run `pharos migrate`"
    )
