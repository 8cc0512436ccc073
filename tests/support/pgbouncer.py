"""PgBouncer in transaction mode before a PostgreSQL server, with one connection to share."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support import postgres
from tests.support.waiting import until

PATIENCE = 10.0
PORT = 6432
SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
pool_mode = transaction
default_pool_size = 1
listen_addr =
listen_port = {listen}
unix_socket_dir = {folder}
auth_type = plain
auth_file = {folder}/users
logfile = {folder}/log
"""


@contextmanager
def running(folder: Path, server: postgres.Server, database_url: str) -> Iterator[str]:
    """Run one in `folder`; yield the URL of the same database and role through it."""
    reach = conninfo_to_dict(server.conninfo)
    at = conninfo_to_dict(database_url)
    folder.mkdir(mode=0o755)
    (folder / "users").write_text(f'"{at["user"]}" "{at["password"]}"\n')
    (folder / "ini").write_text(
        SETTINGS.format(
            host=reach["host"], port=reach.get("port", 5432), listen=PORT, folder=folder
        )
    )
    command = [program(), str(folder / "ini")]
    if os.geteuid() == 0:  # it refuses to run as root
        account = postgres._unprivileged()
        shutil.chown(folder, account)
        command = ["runuser", "-u", account, "--", *command]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/")
    url = f"postgresql://{at['user']}:{at['password']}@/{at['dbname']}?host={folder}&port={PORT}"
    try:
        wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder)


def wait_for(url: str) -> None:
    """Return once a query comes through."""
    until(lambda: answers(url), "PgBouncer", seconds=PATIENCE)


def answers(url: str) -> bool:
    """Whether a query comes through now."""
    try:
        with psycopg.connect(url, prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
            return True
    except psycopg.OperationalError:
        return False


def program() -> str:
    """Where it is; Debian keeps it among the system's programs."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        raise RuntimeError("the tests need PgBouncer: `make test` says how to get it")
    return found
