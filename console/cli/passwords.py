"""Reading a new password: from a terminal that does not show it, or from standard input."""

import sys

import click

from console.accounts.passwords import hash_password, weakness

PASSWORD_STDIN = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input, as is done where there is no terminal.",
)


def new_password_hash(*about: str, stdin: bool) -> str:
    """The hash of a password that is typed twice, or the first line of standard input.

    `about` is the person's e-mail address and name; raises ClickException if it is too weak.
    """
    if stdin or not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise click.ClickException("standard input holds no password")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    objection = weakness(password, *about)
    if objection:
        raise click.ClickException(objection)
    return hash_password(password)
