"""What this process lacks when it has too many files open, or no memory: no fault of any server."""

import errno
import os

FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
SENTENCE = "This console has too many connections and files open: see its limit of open files."


def lacks_files() -> bool:
    """Whether this process may open no more files now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False
