"""Runs every benchmark, or the named one: python -m bench [NAME] [options], a name of ALL."""

import subprocess
import sys
from pathlib import Path

ALL = (
    "ingest",
    "sustained",
    "trickle",
    "fairness",
    "backup",
    "telemetry",
    "pages",
    "busy",
    "tracing",
    "performance",
    "changes",
    "alerting",
    "delivery",
    "dashboards",
    "faults",
    "strangers",
    "fuzz",
)


def main() -> None:
    named, options = [], sys.argv[1:]
    if options and not options[0].startswith("-"):
        named, options = options[:1], options[1:]
    if not set(named) <= set(ALL):
        sys.exit(f"there is no benchmark {named[0]}; there are {', '.join(ALL)}")
    for name in named or ALL:
        script = Path(__file__).with_name(f"{name}.py")
        done = subprocess.run([sys.executable, str(script), *options], check=False)
        if done.returncode:  # it has said why
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
