"""Makes the fixtures in this folder by running unmodified clients against a local listener.

usage: python tests/ingest/corpus/capture.py [NODE_FOLDER]

NODE_FOLDER has node_modules with @sentry/node 11 and express 5; without it only the Python clients
run. Written are captured/<client>/<number>.envelope, and bugs.jsonl for the grouping tests.
Paths of this machine are replaced, the list of installed modules is left out.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from console.ingest.content_encodings import inflate  # noqa: E402
from console.ingest.sentry.envelope import parse_envelope  # noqa: E402

KEY = "0123456789abcdef0123456789abcdef"
LIMIT = 10 << 20


class Listener(BaseHTTPRequestHandler):
    """Keeps every body that it is sent."""

    bodies: ClassVar[list[bytes]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = b"".join(self.chunks())
        self.bodies.append(inflate(raw, self.headers.get("Content-Encoding"), limit=LIMIT))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def chunks(self) -> Iterator[bytes]:
        if "Content-Length" in self.headers:
            yield self.rfile.read(int(self.headers["Content-Length"]))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def run(command: Sequence[str | Path], replace: dict[str, str]) -> list[bytes]:
    """The envelopes that the client sends, with the words replaced; its last argument is added."""
    Listener.bodies = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    words = [host if word == "HOST" else str(word).replace("HOST", host) for word in command]
    folder = Path(words[-3]).parent
    subprocess.run(words, check=True, timeout=120, cwd=folder, env={"PATH": os.environ["PATH"]})
    server.shutdown()
    thread.join()
    server.server_close()
    return [rewrite(body, {host: "pharos.example", **replace}) for body in Listener.bodies]


def rewrite(body: bytes, replace: dict[str, str]) -> bytes:
    """The envelope with words replaced, and lengths made right again."""
    envelope = parse_envelope(body)
    lines = [json.dumps(envelope.header)]
    for item in envelope.items:
        content = json.loads(item.payload)
        content.pop("modules", None)
        payload = json.dumps(content, separators=(",", ":"))
        for word, other in replace.items():
            payload = payload.replace(word, other)
        header = dict(item.header)
        if "length" in header:
            header["length"] = len(payload)
        lines += [json.dumps(header), payload]
    text = "\n".join(lines) + "\n"
    return text.replace(*next(iter(replace.items()))).encode()


def keep(name: str, bodies: list[bytes]) -> None:
    folder = HERE / "captured" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, body in enumerate(bodies):
        (folder / f"{number:02}.envelope").write_bytes(body)
    print(name, len(bodies), "envelopes", sum(map(len, bodies)), "bytes")


def labelled(bodies: list[bytes]) -> Iterator[dict[str, Any]]:
    """What grouping reads of each event, with the label that its bug was given."""
    for body in bodies:
        for item in parse_envelope(body).items:
            if item.type == "event":
                event = json.loads(item.payload)
                for noise in ("contexts", "sdk", "extra", "breadcrumbs", "user"):
                    event.pop(noise, None)
                for frame in frames(event):
                    for noise in ("pre_context", "post_context", "vars"):
                        frame.pop(noise, None)
                yield {"bug": event["tags"]["bug"], "event": event}


def frames(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in event.get("exception", {}).get("values", []):
        yield from one.get("stacktrace", {}).get("frames", [])


def versions(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The program in two releases: the second on another host, all its lines further down."""
    source = (HERE / "clients" / name).read_text()
    comment = "# " if name.endswith(".py") else "// "
    head, rest = source.split("\n\n", 1)
    for number, shift in enumerate((0, 7), start=1):
        program = folder / f"release{number}" / name
        program.parent.mkdir(parents=True)
        program.write_text(head + "\n\n" + f"{comment}moved\n" * shift + rest)
        yield f"shop@{number}", program


def main() -> None:
    node = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    site = str(Path(sys.prefix).resolve())
    dsn = f"http://{KEY}@HOST/1"
    bugs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        replace = {scratch: "/srv", site: "/srv/venv", sys.base_prefix: "/usr"}
        for release, program in versions(Path(scratch), "bugs.py"):
            bugs += labelled(run([sys.executable, program, dsn, release], replace))
        for cycle in ("static", "stream"):
            program = Path(shutil.copy(HERE / "clients" / "shop.py", scratch))
            keep(f"flask-{cycle}", run([sys.executable, program, dsn, cycle], replace))
        if node:
            replace = {str(node): "/srv", scratch: "/srv"}
            for release, program in versions(node / "pharos", "bugs.mjs"):
                bugs += labelled(run(["node", program, dsn, release], replace))
            shutil.rmtree(node / "pharos")
            for cycle in ("static", "stream"):
                program = Path(shutil.copy(HERE / "clients" / "shop.mjs", node))
                start: list[str | Path] = ["node", "--import", "@sentry/node/import", program]
                keep(f"express-{cycle}", run([*start, dsn, cycle], replace))
    lines = [json.dumps(bug, separators=(",", ":")) for bug in bugs]
    (HERE / "bugs.jsonl").write_text("\n".join(lines) + "\n")
    print(len(lines), "labelled events", sum(map(len, lines)), "bytes")


if __name__ == "__main__":
    main()
