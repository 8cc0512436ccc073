"""Every setting, read once from the environment at start-up."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Self, cast
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SHORTEST_SECRET = 32
EXTENSION = "pharos.config"


class ConfigError(ValueError):
    """A setting has a value that Pharos cannot run with; the message names the variable."""


def setting(env: str, doc: str, default: Any = "") -> Any:
    """Declare a field that is read from the environment variable `env`."""
    return field(default=default, metadata={"env": env, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one console; each field names its variable and says what it does."""

    instance: Path = setting(
        "PHAROS_INSTANCE", "Folder of all data on embedded defaults.", Path("instance")
    )
    database_url: str = setting(
        "DATABASE_URL", "State database: SQLite by default, or postgresql://…", ""
    )
    owner_database_url: str = setting(
        "OWNER_DATABASE_URL",
        "PostgreSQL role that owns the tables and runs migrations; `DATABASE_URL` is the app's.",
    )
    secret_key: str = setting(
        "SECRET_KEY", "Signs cookies, seals the spool; kept in the instance folder when unset."
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "SECRET_KEY_FALLBACKS", "Former keys, comma-separated, still accepted after a rotation.", ()
    )
    base_url: str = setting(
        "PHAROS_URL", "Address that people and SDKs reach the console at, for links and DSNs."
    )
    trusted_proxies: int = setting(
        "PHAROS_TRUSTED_PROXIES", "Reverse proxies whose X-Forwarded-* headers are believed.", 0
    )
    assets: str = setting(
        "PHAROS_ASSETS", "`local`, `cdn`, or `auto`: local when npm installed them.", "auto"
    )
    smtp_url: str = setting(
        "SMTP_URL", "smtp://user:password@host:port for mail; unset, links are shown to copy."
    )
    mail_from: str = setting("MAIL_FROM", "Sender of the console's mail.", "pharos@localhost")
    sentry_dsn: str = setting(
        "SENTRY_DSN", "Where the console reports its own errors; unset, into itself."
    )
    telemetry_memory_mb: int = setting(
        "PHAROS_TELEMETRY_MEMORY_MB", "Memory that all open telemetry databases share.", 192
    )
    telemetry_open_limit: int = setting(
        "PHAROS_TELEMETRY_OPEN_LIMIT", "Telemetry databases kept open at once.", 8
    )
    spool_max_mb: int = setting(
        "PHAROS_SPOOL_MAX_MB", "Largest spool on disk; beyond it, ingest answers 503.", 4096
    )
    web_threads: int = setting("PHAROS_WEB_THREADS", "Threads that answer requests.", 16)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read every setting; raise ConfigError naming the variable that cannot be used."""
        given: dict[str, Any] = {
            f.name: _parse(f.metadata["env"], environ[f.metadata["env"]], f.default)
            for f in fields(cls)
            if environ.get(f.metadata["env"], "") != ""
        }
        config = cls(**given)
        config._check()
        return config

    @property
    def cookies_secure(self) -> bool:
        """Whether people come by https, so that cookies may carry the `__Host-` prefix."""
        return self.base_url.startswith("https://")

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state database, with psycopg 3 as PostgreSQL's driver."""
        url = self.database_url or f"sqlite:///{self.instance.resolve() / 'state.sqlite'}"
        return _with_psycopg(url)

    @property
    def owner_url(self) -> str:
        """SQLAlchemy URL that migrations use: the owner's, or the app's where there is one role."""
        return _with_psycopg(self.owner_database_url) if self.owner_database_url else self.state_url

    def prepared(self) -> Self:
        """Make the instance folder and its secret key if missing; return the settings with it.

        Raises ConfigError when the folder, or the key in it, cannot be used.
        """
        try:
            self.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
            secret_key = self.secret_key or _kept_secret(self.instance / "secret_key")
        except OSError as error:
            problem = f"cannot be used: {error.strerror}"
            raise ConfigError(f"PHAROS_INSTANCE, {self.instance}, {problem}") from error
        return replace(self, secret_key=secret_key)

    def _check(self) -> None:
        if self.secret_key and len(self.secret_key) < SHORTEST_SECRET:
            raise ConfigError(f"SECRET_KEY is shorter than {SHORTEST_SECRET} characters")
        if self.assets not in {"auto", "local", "cdn"}:
            raise ConfigError("PHAROS_ASSETS must be auto, local or cdn")
        if self.base_url and not _is_address(self.base_url):
            raise ConfigError("PHAROS_URL must be http:// or https:// and a host, port, path")
        if not self.state_url.startswith(("sqlite://", "postgresql+psycopg://")):
            raise ConfigError("DATABASE_URL must be sqlite:///path or postgresql://…")
        for env, url in (("DATABASE_URL", self.state_url), ("OWNER_DATABASE_URL", self.owner_url)):
            try:
                make_url(url)
            except (ArgumentError, ValueError):  # which quote the password: not to be shown
                raise ConfigError(f"{env} is not an address of a database") from None


def config() -> Config:
    """Return the running app's settings."""
    return cast("Config", current_app.extensions[EXTENSION])


def _kept_secret(path: Path) -> str:
    """The folder's key, made when missing: whole or not at all, whoever else starts meanwhile."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    secret_key = path.read_text().strip()
    if len(secret_key) < SHORTEST_SECRET:
        raise ConfigError(f"{path} holds no key: restore it, or delete it to be given another")
    return secret_key


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        told = parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # a port that is none
        return False
    plain = not parts.query and not parts.fragment and not any(c.isspace() for c in url)
    return parts.scheme in {"http", "https"} and bool(told) and plain


def _with_psycopg(url: str) -> str:
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _parse(env: str, text: str, default: object) -> object:
    if isinstance(default, int):
        try:
            number = int(text)
        except ValueError:
            raise ConfigError(f"{env} must be a whole number, not {text!r}") from None
        if number < 0:
            raise ConfigError(f"{env} must not be negative")
        return number
    if isinstance(default, Path):
        return Path(text)
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text.rstrip("/") if env == "PHAROS_URL" else text
