"""A real console in a process of its own, as `pharos serve` runs it."""

import json
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from click.testing import CliRunner

from console.cli.main import pharos
from tests.support import forks
from tests.support.clients import bearer
from tests.support.databases import SECRET, Database

PATIENCE = 30.0


class Server:
    """`pharos serve` with an instance folder of its own; may be killed and started again."""

    def __init__(self, instance: Path, database: Database, **environ: str) -> None:
        """Remember how to start; nothing runs yet."""
        self.instance = instance
        self.log = instance / "serve.log"
        self.url = ""
        self.process: forks.Command | None = None
        self.environ = {
            **database.environ,
            "PHAROS_INSTANCE": str(instance),
            "PHAROS_DECODERS": "0",  # tests of their own have them
            "SECRET_KEY": SECRET,
            "PYTHONUNBUFFERED": "1",
            **environ,
        }

    def start(self, *arguments: str, port: int = 0) -> "Server":
        """Start it and wait until it answers; `url` is where."""
        self.instance.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        before = self.log.stat().st_size
        command = ("serve", "--port", str(port), *arguments)
        self.process = forks.Command(command, self.environ, self.log)
        self.url = self._announced(before)
        return self

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Run another `pharos` command on the same instance and return what it printed."""
        foreign = dict.fromkeys(forks.foreign())
        done = CliRunner().invoke(pharos, arguments, input=stdin, env=foreign | self.environ)
        assert done.exit_code == code, (
            f"pharos {' '.join(arguments)}: {done.output}{done.exception}"
        )
        return done.stdout

    def project(self, name: str = "shop", organization: str = "acme") -> "Connected":
        """Make a project, its DSN pointing at this very server."""
        command = ("project", "create", name, "--organization", organization, "--json")
        made: dict[str, Any] = json.loads(self.run(*command))
        key = urlsplit(made["dsn"]).username
        dsn = f"http://{key}@{urlsplit(self.url).netloc}/{made['project_id']}"
        api = f"{self.url}/api/v1/{made['organization']}/{made['project']}"
        return Connected(dsn, api, made["api_token"], made["organization"], made["project"])

    def kill(self) -> None:
        """End it and all its processes as the kernel's out-of-memory killer would."""
        if self.process:
            self.process.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self.process:
            self.process.signal(signal.SIGTERM)

    def _announced(self, after: int) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            printed = self.log.read_bytes()[after:].decode(errors="replace")
            found = re.search(r"http://(?:127\.0\.0\.1|localhost):(\d+)", printed)
            if found:
                return found[0]
            assert self.process is not None
            if self.process.returncode is not None:
                raise AssertionError(f"pharos serve ended by itself:\n{printed}")
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"pharos serve announced no address:\n{self.log.read_text()}")


@dataclass(frozen=True)
class Connected:
    """A project of a live server, as a script sees it."""

    dsn: str
    api: str
    token: str
    organization: str
    slug: str

    def get(self, path: str) -> dict[str, Any]:
        """Ask the API."""
        headers = bearer(self.token)
        with urlopen(Request(f"{self.api}/{path}", headers=headers), timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def issues(self) -> list[dict[str, Any]]:
        """Its open issues."""
        found: list[dict[str, Any]] = self.get("issues")["issues"]
        return found

    def outcomes(self) -> Counter[tuple[str, str]]:
        """How many items of each type met which fate."""
        counted: Counter[tuple[str, str]] = Counter()
        for row in self.get("outcomes")["outcomes"]:
            counted[row["item_type"], row["outcome"]] += row["quantity"]
        return counted

    def wait_for(self, **quantities: int) -> Counter[tuple[str, str]]:
        """Wait until so many items are told of, stored or not: `wait_for(event=3, span=10)`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            counted = self.outcomes()
            told = {
                kind: sum(n for (item, _), n in counted.items() if item == kind)
                for kind in quantities
            }
            if all(told[kind] >= quantity for kind, quantity in quantities.items()):
                return counted
            assert time.monotonic() < deadline, f"waited for {quantities}, got {counted}"
            time.sleep(0.1)
