"""The note that the digest keeps of its work in the instance folder, for who looks from outside."""

from datetime import timedelta

NAME = "digest.json"
LONGEST_PAUSE = 30.0  # seconds that the digest pauses in an outage
FRESH = timedelta(seconds=LONGEST_PAUSE + 15)  # how old the note of a digest that runs may be
