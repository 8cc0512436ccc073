"""The state databases of the tests: migrated once per run, copied for each test."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from console.core import migrations
from console.core.config import Config
from tests.support import postgres

ROOT = Path(__file__).parents[2]
SECRET = "a secret key that only the tests use, and nobody else"


@dataclass(frozen=True)
class Database:
    """A fresh, migrated state database; the URLs are what the environment would say."""

    database_url: str = ""
    owner_database_url: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """The environment that makes a console use it; empty on SQLite's default."""
        named = {
            "DATABASE_URL": self.database_url,
            "OWNER_DATABASE_URL": self.owner_database_url,
        }
        return {name: value for name, value in named.items() if value}


def sqlite(shared: Path, instance: Path) -> Database:
    """Put a migrated SQLite file into an instance folder, where the console expects it."""
    template = shared / "template"
    with postgres.locked(shared, "template"):
        if not (template / "state.sqlite").exists():
            migrations.upgrade(Config(instance=template, secret_key=SECRET).prepared())
    instance.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template / "state.sqlite", instance / "state.sqlite")
    return Database()


def postgresql(shared: Path, instance: Path, worker: str) -> Database:
    """Return the worker's PostgreSQL database, cloned from a migrated one and emptied."""
    server = postgres.server(shared)
    template = f"pharos{server.suffix}_template"
    with postgres.locked(shared, "postgres-template"):
        if not (shared / "postgres-migrated").exists():
            postgres.create_database(server, template)
            migrations.upgrade(config(_on(server, template), instance))
            (shared / "postgres-migrated").touch()
        name = f"pharos{server.suffix}_{worker}"
        if not (shared / name).exists():
            postgres.create_database(server, name, template)
            (shared / name).touch()
    postgres.empty(server, name)
    return _on(server, name)


def _on(server: postgres.Server, name: str) -> Database:
    return Database(server.url(postgres.APP, name), server.url(postgres.OWNER, name))


def config(database: Database, instance: Path) -> Config:
    """The settings of a console with this database, which decodes in its digest thread."""
    return Config(
        instance=instance,
        secret_key=SECRET,
        database_url=database.database_url,
        owner_database_url=database.owner_database_url,
        decoders="0",
    )
