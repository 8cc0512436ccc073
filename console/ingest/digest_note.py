"""The note about its work that the digest keeps in the instance folder, for other processes."""

from datetime import timedelta

NAME = "digest.json"
LONGEST_PAUSE = 30.0  # seconds that the digest pauses in an outage
FRESH = timedelta(seconds=LONGEST_PAUSE + 15)  # how old the note of a digest that runs may be
