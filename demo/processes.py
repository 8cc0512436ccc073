"""Programs that the demonstration starts, and ends with itself."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE = 20  # seconds for a program to end by itself


@contextmanager
def running(command: Sequence[str], log: Path | None = None, **environ: str) -> Iterator[None]:
    """Run a program beside this one; its output goes to a file, or nowhere."""
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # a busy machine; what was accepted is on disk
            process.kill()
            process.wait()


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module under this very interpreter."""
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
