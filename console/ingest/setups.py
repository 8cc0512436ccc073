"""What the Connect page shows of one kind of application."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setup:
    """Instructions for one kind of application.

    `code` is for `file`, and holds `%DSN%`, or its parts `%SERVER%`, `%KEY%` and `%PROJECT%`.
    """

    name: str
    label: str
    install: str
    file: str
    code: str
    platforms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run: str = ""
    """The command that starts the application; without `try_it`, it sends the first error."""
    try_it: str = ""
    """The command that breaks it once it runs."""
    trace: str = ""
    """What the first trace needs, beyond an error that arrives."""

    def filled(self, dsn: str) -> str:
        """The code with the project's DSN, or the parts of it, filled in."""
        scheme, _, rest = dsn.partition("://")
        key, _, address = rest.partition("@")
        host, _, project = address.rpartition("/")
        code = self.code.replace("%DSN%", dsn).replace("%SERVER%", f"{scheme}://{host}")
        return code.replace("%KEY%", key).replace("%PROJECT%", project)
