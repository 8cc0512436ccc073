"""Backups: a copy of all that an instance holds at one moment, its check, and the way back."""
