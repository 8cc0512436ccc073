"""Failures whose cause people of an organization may read."""


class Explained(Exception):
    """A failure that says its cause without paths or values; of all others, the class is shown."""

    cause: str = ""
    """What is wrong, as the end of the sentence "Cause: …"."""
