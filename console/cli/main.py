"""The entry of the `pharos` command: runs it, and says in one sentence why it failed."""

import os
import re
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError

from console.cli.commands import pharos
from console.core.config import Config, ConfigError
from console.core.database_errors import explained, is_of_postgresql
from console.core.tenancy import UnsafeRoleError

__all__ = ["main", "pharos"]

NO_ROOM = (
    "this process gets no more threads or memory: see ulimit -v and -u, MemoryMax= and TasksMax= of"
    " systemd. A console needs 2 GB of address space and 200 threads"
)
LEAST_FREE = 65_536  # bytes: the shared memory of a database in WAL mode is half of that
LACKS = re.compile(r'no such (?:table|column)|(?:relation|column) ["\w.]+ does not exist')


def main() -> None:
    """Run a command; on error say why in one sentence and exit with a code that is not zero."""
    try:
        code = pharos.main(prog_name="pharos", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except click.Abort:
        _fail("interrupted", 130)
    except (ConfigError, UnsafeRoleError) as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(_about_database(error))
    except sqlite3.Error as error:  # not of SQLAlchemy
        _fail(f"the spool cannot be used: {error}{_about_rights(error)}")
    except MemoryError:
        _fail(NO_ROOM)
    except RuntimeError as error:
        if "can't start new thread" not in str(error):
            raise
        _fail(NO_ROOM)
    except OSError as error:
        _fail(f"{error.filename or 'the instance folder'}: {error.strerror or error}")
    sys.exit(code if isinstance(code, int) else 0)


def _about_database(error: DBAPIError) -> str:
    cause = " ".join(str(error.orig).split())
    if LACKS.search(cause):  # of a former version, or of none
        return f"the database lacks tables or columns, run `pharos migrate`: {cause}"
    if is_of_postgresql(error.orig):
        return explained(error)
    return f"the database does not answer: {cause}{_about_rights(error.orig)}"


def _about_rights(error: BaseException | None) -> str:
    """What SQLite does not say: which disk is full, why a file cannot be opened or written."""
    name = getattr(error, "sqlite_errorname", "")
    folder = Config.from_environ(os.environ).instance.resolve()
    if name.startswith("SQLITE_IOERR") and _is_full(folder):
        return f"; the disk of {folder} (PHAROS_INSTANCE) is full"
    if name.startswith("SQLITE_FULL"):
        return f"; it is the disk of {folder} (PHAROS_INSTANCE)"
    if not name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")):
        return ""
    return "; see the owner and mode of PHAROS_INSTANCE, and whether its disk is read-only or full"


def _is_full(folder: Path) -> bool:
    """Whether the disk has no room for the files that SQLite makes beside a database."""
    return folder.exists() and shutil.disk_usage(folder).free < LEAST_FREE


def _fail(sentence: str, code: int = 1) -> NoReturn:
    click.echo(f"pharos: {sentence}", err=True)
    sys.exit(code)
