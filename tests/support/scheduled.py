"""The console's scheduled jobs, done when a test wants it."""

from console import jobs
from console.ticker import Job


def named(name: str) -> Job:
    """The job of this name in the console's table."""
    (job,) = (job for job in jobs.JOBS if job.name == name)
    return job


def perform(name: str) -> str:
    """Do a job now, in the present app; return what it came to, in words."""
    return str(named(name).perform())
