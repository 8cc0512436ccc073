"""A temporary PostgreSQL server for one test run, shared by all xdist workers."""

import fcntl
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

OWNER, APP = "pharos_owner", "pharos_app"
EMPTY = """
DO $$
DECLARE
    name regclass;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no trigger, and rows in any order
    FOR name IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('DELETE FROM %s', name);
    END LOOP;
    FOR name IN
        SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP
        PERFORM setval(name, 1, false);
    END LOOP;
END
$$
"""
# Nothing here survives the run, so nothing waits for the disk.
SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=200",
    "shared_buffers=64MB",
)


@dataclass(frozen=True)
class Server:
    """How to reach the server as superuser, and the suffix that keeps runs on one server apart."""

    conninfo: str
    suffix: str
    folder: str = ""  # of the cluster that this run started; "" on a server that was there before

    def url(self, role: str, database: str) -> str:
        """SQLAlchemy-style URL of a database on this server for one of its roles."""
        reach = conninfo_to_dict(self.conninfo)
        host, port = reach.get("host", "localhost"), reach.get("port", 5432)
        login = f"{role}{self.suffix}:{role}"
        if str(host).startswith("/"):
            return f"postgresql://{login}@/{database}?host={host}&port={port}"
        return f"postgresql://{login}@{host}:{port}/{database}"

    def execute(self, *statements: str | sql.Composed, database: str = "postgres") -> None:
        """Run statements as superuser, each committed by itself."""
        with psycopg.connect(self.conninfo, dbname=database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement) if isinstance(statement, str) else statement)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Let one worker at a time do what is done once per run."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def server(shared: Path) -> Server:
    """Return this run's server, started by whichever worker asks first; roles exist on it."""
    note = shared / "postgres.json"
    with locked(shared, "postgres"):
        if note.exists():
            return Server(**json.loads(note.read_text()))
        found = _configured() or _started(shared)
        note.write_text(json.dumps(asdict(found)))
        found.execute(
            *(
                f"CREATE ROLE {role}{found.suffix} LOGIN PASSWORD '{role}' NOSUPERUSER NOBYPASSRLS"
                for role in (OWNER, APP)
            )
        )
        return found


def create_database(on: Server, name: str, template: str = "template0") -> None:
    """Make a database that the owner role owns and the app role may connect to."""
    on.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)),
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER + on.suffix)
        ),
    )


def empty(on: Server, database: str) -> None:
    """Remove all rows of all tables but Alembic's, and start the ids anew.

    TRUNCATE would make 600 files anew, each time; most tests leave rows in a few tables only.
    """
    with psycopg.connect(on.conninfo, dbname=database) as connection:
        connection.execute(EMPTY)


def stop(shared: Path) -> None:
    """End what this run started, or take away what it made on a server that was there before."""
    note = shared / "postgres.json"
    if not note.exists():
        return
    on = Server(**json.loads(note.read_text()))
    if on.folder:
        _run([_program("pg_ctl"), "-D", on.folder, "-m", "immediate", "-w", "stop"])
        return
    with psycopg.connect(on.conninfo, autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%{on.suffix}%"]
        ).fetchall()
    on.execute(
        *(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(n)) for (n,) in names),
        *(f"DROP ROLE {role}{on.suffix}" for role in (OWNER, APP)),
    )


def _configured() -> Server | None:
    url = os.environ.get("PHAROS_TEST_DATABASE_URL")
    return Server(conninfo=url, suffix="_" + token_hex(4)) if url else None


def _started(shared: Path) -> Server:
    folder = shared / "postgres"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, _unprivileged())
    cluster = folder / "cluster"
    _run([_program("initdb"), "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8",
          "--locale=C.UTF-8", "--no-sync"])  # fmt: skip
    start(cluster)
    return Server(f"host={folder} user=postgres dbname=postgres", "", str(cluster))


def start(cluster: Path) -> None:
    """Start the server of a cluster that this run made, and wait until it answers."""
    folder = cluster.parent
    options = " ".join(
        f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={folder}")
    )
    _run([_program("pg_ctl"), "-D", cluster, "-o", options, "-l", folder / "log", "-w", "start"])


def _program(name: str) -> str:
    """Where a program of the PostgreSQL server is: on the path, or where Debian keeps versions."""
    found = shutil.which(name)
    if found:
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not versions:
        raise RuntimeError("the tests need a PostgreSQL server: `make test` says how to get one")
    return str(versions[-1])


def _run(command: Sequence[str | Path]) -> None:
    """Run a server program; PostgreSQL refuses root, so root steps down to another account."""
    step_down = ["runuser", "-u", _unprivileged(), "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*step_down, *command], capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
