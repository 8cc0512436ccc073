"""Copies files in a separate process: `copier.py` reads `{"pairs", "bytes_per_second"}` as JSON.

The console's process cannot do it: closing any handle of a file drops all locks that the process
holds on it (fcntl), and DuckDB holds one on every open file. The script needs nothing but Python.
It prints now and then how many bytes are copied; all copies are on disk when it ends.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PART = 8 << 20


def main() -> None:
    order = json.load(sys.stdin)
    rate, began, copied = order["bytes_per_second"], time.monotonic(), 0
    for source, target in order["pairs"]:
        for size in copy(source, target, min(PART, rate) if rate else PART):
            copied += size
            sys.stdout.write(f"{copied}\n")
            sys.stdout.flush()
            if rate:
                time.sleep(max(began + copied / rate - time.monotonic(), 0))


def copy(source: str, target: str, part: int) -> Iterator[int]:
    """Copy into a new file, part by part; the sizes of the parts."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with Path(source).open("rb") as old, os.fdopen(os.open(target, flags, 0o600), "wb") as new:
        quick = hasattr(os, "copy_file_range")
        while True:
            try:  # within the kernel, and without a copy where the file system shares blocks
                if quick:
                    size = os.copy_file_range(old.fileno(), new.fileno(), part)
                else:
                    size = os.write(new.fileno(), os.read(old.fileno(), part))
            except OSError:
                if not quick or os.fstat(new.fileno()).st_size:
                    raise
                quick = False
                continue
            if not size:
                break
            yield size
        os.fsync(new.fileno())


if __name__ == "__main__":
    main()
