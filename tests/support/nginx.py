"""nginx in front of a console, which it serves below a path of its site."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.waiting import until

PATIENCE = 10.0
SETTINGS = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
  access_log {folder}/requests;
  client_body_temp_path {folder}/bodies;
  proxy_temp_path {folder}/answers;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /up {{ return 204; }}
    location {path}/ {{
      proxy_pass http://127.0.0.1:{console}{target};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix {path};
    }}
  }}
}}
"""


@contextmanager
def running(folder: Path, port: int, *, console: int, path: str, strips: bool) -> Iterator[None]:
    """Serve the console of a port below `path`; it `strips` the path, or passes it on."""
    folder.mkdir()
    target = "/" if strips else ""
    settings = folder / "nginx.conf"
    settings.write_text(
        SETTINGS.format(folder=folder, port=port, console=console, path=path, target=target)
    )
    log = folder / "errors"
    with (folder / "printed").open("wb") as printed:
        command = [program(), "-p", str(folder), "-c", str(settings), "-e", str(log)]
        process = subprocess.Popen(command, stderr=printed)
    try:
        until(lambda: _answers(port), "nginx", seconds=PATIENCE)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def program() -> str:
    """Where it is; Debian keeps it among the system's programs."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if path is None:
        raise RuntimeError("the tests need nginx: `make test` says how to get it")
    return path


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/up", timeout=PATIENCE):
            return True
    except URLError:
        return False
