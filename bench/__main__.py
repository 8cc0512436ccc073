"""Runs every benchmark, or the named one: python -m bench [NAME] [options], a name of ALL."""

import subprocess
import sys
from pathlib import Path

ALL = ("ingest", "telemetry", "pages", "tracing", "performance")


def main() -> None:
    named = sys.argv[1:2] if sys.argv[1:2] and sys.argv[1] in ALL else []
    for name in named or ALL:
        script = Path(__file__).with_name(f"{name}.py")
        subprocess.run([sys.executable, str(script), *sys.argv[1 + len(named) :]], check=True)


if __name__ == "__main__":
    main()
