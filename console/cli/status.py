"""`pharos status`."""

import json
from typing import Any

import click

from console import status as state
from console.cli.commands import AS_JSON, open_console, pharos


@pharos.command()
@AS_JSON
def status(*, as_json: bool) -> None:
    """Tell how the console is doing.

    Works whether or not a console runs; exits with 1 when none does.
    """
    with open_console():
        report = state.status()
    if as_json:
        click.echo(json.dumps(report))
    else:
        _print_status(report)
    if not report["running"]:
        click.get_current_context().exit(1)


def _print_status(report: dict[str, Any]) -> None:
    waiting = report["spool"]
    click.echo(f"console    {report['url'] if report['running'] else 'not running'}")
    click.echo(f"spool      {waiting['rows']} rows wait ({waiting['bytes']:,} bytes)")
    click.echo(f"lag        {waiting['lag_seconds']} s")
    click.echo(f"dead       {waiting['dead_letters']} dead letters")
    if trouble := report["digest"]["decoders_trouble"]:
        click.echo(f"decoders   none can be started, the digest thread decodes alone: {trouble}")
    if report["disk"]["is_low"]:
        click.echo(f"disk       {_about_disk(report['disk'])}")
    for damage in report["damage"]:
        click.echo(f"damage     {damage}")
    for organization, position in report["positions"].items():
        click.echo(f"position   {position}  {organization}")
    _print_troubles(report)
    if report["away"]:
        click.echo(f"away       {report['away']}")
    if report["backup"]:
        click.echo(f"backup     {_about_backup(report['backup'])}")


def _about_disk(disk: dict[str, Any]) -> str:
    megabytes = disk["free_bytes"] >> 20
    return f"NEARLY FULL: {megabytes:,} MB left on the disk of {disk['folder']} (PHAROS_INSTANCE)"


def _print_troubles(report: dict[str, Any]) -> None:
    """Print what is late, broken or fails, with its organization."""
    for organization, counts in report["alerting"].items():
        for trouble, count in counts.items():
            if count:
                click.echo(f"alerting   {_about_trouble(trouble, count)}  {organization}")
    for job in report["failing"]:
        click.echo(
            f"failing    {job['job']} since {job['since']}: {job['cause']}  {job['organization']}"
        )


def _about_trouble(trouble: str, count: int) -> str:
    """Such as "3 rules are late"."""
    noun, adjective = trouble.split("_")
    return f"{count:,} {noun} are {adjective}" if count > 1 else f"1 {noun[:-1]} is {adjective}"


def _about_backup(note: dict[str, Any]) -> str:
    good = f"the last good one is of {note['good_at']}, in {note['good_folder']}"
    since = good if note["good_at"] else "there is no good one"
    if note["lacks"]:
        return f"NOT WHOLE at {note['ended_at']}, in {note['folder']}: {note['lacks']}; {since}"
    if note["error"]:
        return f"failed at {note['ended_at']}: {note['error']}; {since}"
    return good if note["ended_at"] else f"under way: {note['stage']}"
