"""Failures whose cause people of an organization may read."""


class Explained(Exception):
    """A failure whose cause has no paths or values; of other failures, people see the class."""

    cause: str = ""
    """What is wrong, as the end of the sentence "Cause: …"."""
