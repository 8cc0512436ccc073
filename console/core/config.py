"""Every setting, read once from the environment at start-up."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields, replace
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Self, cast

from flask import current_app

from console.core import valid
from console.core.instances import JOURNAL
from console.core.urls import split_url

YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
EXTENSION = "pharos.config"


class ConfigError(ValueError):
    """A setting has a value that Pharos cannot run with; the message names the variable."""


def setting(
    env: str,
    doc: str,
    default: Any = "",
    *,
    check: valid.Check | None = None,
    least: int = 0,
    most: int = 1 << 30,
) -> Any:
    """Declare a field that is read from the environment variable `env`.

    `check` says what is wrong with a text, or with each part of a list; `least` and `most` are the
    limits of a number.
    """
    metadata = {"env": env, "doc": doc, "check": check, "least": least, "most": most}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one console; each field names its variable and says what it does."""

    instance: Path = setting(
        "PHAROS_INSTANCE", "Folder of all data on embedded defaults.", Path("instance")
    )
    database_url: str = setting(
        "DATABASE_URL",
        "State database: SQLite by default, or postgresql://…",
        check=valid.database,
    )
    owner_database_url: str = setting(
        "OWNER_DATABASE_URL",
        "PostgreSQL role that owns the tables and runs migrations; `DATABASE_URL` is the app's.",
        check=valid.database,
    )
    secret_key: str = setting(
        "SECRET_KEY",
        "Signs cookies, seals the spool; kept in the instance folder when unset.",
        check=valid.secret,
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "SECRET_KEY_FALLBACKS",
        "Former keys, comma-separated, still accepted after a rotation.",
        (),
        check=valid.secret,
    )
    base_url: str = setting(
        "PHAROS_URL",
        "Address that people and SDKs reach the console at, for links and DSNs; with a path, too.",
        check=valid.own_address,
    )
    trusted_proxies: int = setting(
        "PHAROS_TRUSTED_PROXIES",
        "Reverse proxies whose X-Forwarded-* headers are believed.",
        0,
        most=10,
    )
    hsts_subdomains: bool = setting(
        "PHAROS_HSTS_SUBDOMAINS",
        "`1` tells browsers that https is for all subdomains of the console's host, too.",
        False,
    )
    assets: str = setting(
        "PHAROS_ASSETS",
        "`local`, `cdn`, or `auto`: local when npm installed them.",
        "auto",
        check=valid.one_of("auto", "local", "cdn"),
    )
    smtp_url: str = setting(
        "SMTP_URL",
        "smtp://user:password@host:port for mail; unset, links are shown to copy.",
        check=valid.mail_server,
    )
    mail_from: str = setting(
        "MAIL_FROM", "Sender of the console's mail.", "pharos@localhost", check=valid.sender
    )
    slack_url: str = setting(
        "PHAROS_SLACK_URL",
        "Address of Slack's Web API.",
        "https://slack.com/api",
        check=valid.address,
    )
    pagerduty_url: str = setting(
        "PHAROS_PAGERDUTY_URL",
        "Address of PagerDuty's Events API; unset, the one of a channel's region.",
        "https://events.pagerduty.com",
        check=valid.address,
    )
    apprise: bool = setting(
        "PHAROS_APPRISE",
        "`1` offers channels by Apprise's URLs. It calls, and reads files of this machine, as a URL"
        " says: set it only where every admin of an organization may do that.",
        False,
    )
    oidc_issuer: str = setting(
        "OIDC_ISSUER",
        "Address of an OpenID Connect provider that people may sign in with.",
        check=valid.address,
    )
    oidc_client_id: str = setting("OIDC_CLIENT_ID", "The console's name at that provider.")
    oidc_client_secret: str = setting("OIDC_CLIENT_SECRET", "Its secret there.")
    oidc_name: str = setting("OIDC_NAME", "What the button says: Log in with …", "single sign-on")
    oidc_domains: tuple[str, ...] = setting(
        "OIDC_DOMAINS",
        "Domains of e-mail, comma-separated, whose people get an account when they sign in so.",
        (),
        check=valid.domain,
    )
    oidc_organization: str = setting(
        "OIDC_ORGANIZATION", "Slug of the organization that they join, as viewers."
    )
    sentry_dsn: str = setting(
        "SENTRY_DSN",
        "Where the console reports its own errors; unset, into itself.",
        check=valid.dsn,
    )
    private_addresses: bool = setting(
        "PHAROS_PRIVATE_ADDRESSES",
        "`1` lets checks and channels call addresses of private networks, and of this machine.",
        False,
    )
    connection_addresses: tuple[str, ...] = setting(
        "PHAROS_CONNECTION_CHECK",
        "Addresses, comma-separated, one of which answers while this console's own connection"
        " works: failures of checks do not count while it does not. Unset, it is taken to work.",
        (),
        check=valid.address,
    )
    heartbeat_url: str = setting(
        "PHAROS_HEARTBEAT_URL",
        "Address that is called every minute while alerting is alive, and its `/fail` when"
        " something stands still, as healthchecks.io takes it; private networks are allowed.",
        check=valid.address,
    )
    rdap_url: str = setting(
        "PHAROS_RDAP_URL",
        "Address of the RDAP service that is asked when the domains of checks expire; `off`: none.",
        "https://rdap.org",
        check=valid.address_or("off"),
    )
    telemetry_memory_mb: int = setting(
        "PHAROS_TELEMETRY_MEMORY_MB",
        "Memory that all open telemetry databases share.",
        192,
        least=96,
    )
    telemetry_open_limit: int = setting(
        "PHAROS_TELEMETRY_OPEN_LIMIT", "Telemetry databases kept open at once.", 8, least=1
    )
    spool_max_mb: int = setting(
        "PHAROS_SPOOL_MAX_MB",
        "Largest spool on disk; beyond it, ingest answers 503.",
        4096,
        least=1,
    )
    default_quota: int = setting(
        "PHAROS_DEFAULT_QUOTA",
        "Items of a kind that a key may send a minute unless its own limit says otherwise; of spans"
        " and logs ten times as many. `0`: no limit.",
        60_000,
    )
    web_threads: int = setting(
        "PHAROS_WEB_THREADS", "Threads that answer requests.", 16, least=1, most=512
    )
    decoders: str = setting(
        "PHAROS_DECODERS",
        "Processes that decode beside the console. `auto`: one less than it has cores, none on one"
        " core. `0`: the digest thread decodes.",
        "auto",
        check=valid.count_or("auto", most=64),
    )
    backup_database_url: str = setting(
        "BACKUP_DATABASE_URL",
        "PostgreSQL role that row-level security does not hold, for pg_dump in backups.",
        check=valid.database,
    )
    backup_dir: str = setting(
        "PHAROS_BACKUP_DIR", "Folder that scheduled backups are put into; unset, there are none."
    )
    backup_hours: int = setting(
        "PHAROS_BACKUP_HOURS", "Hours between two scheduled backups.", 24, least=1
    )
    backup_keep: int = setting(
        "PHAROS_BACKUP_KEEP", "Scheduled backups that are kept; older ones are deleted.", 7, least=1
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read every setting; raise ConfigError that names each variable that cannot be used."""
        given: dict[str, Any] = {}
        wrong = valid.unknown(environ, [setting.metadata["env"] for setting in fields(cls)])
        for setting in fields(cls):
            env, text = setting.metadata["env"], environ.get(setting.metadata["env"], "")
            if text:
                given[setting.name], problem = _parse(setting, text)
                wrong += [f"{env} {problem}"] if problem else []
        wrong += _half_given(given)
        if wrong:
            raise ConfigError(_sentences(wrong))
        return cls(**given)

    @property
    def base_path(self) -> str:
        """The path of a site that the console is below: "" or like "/tools/pharos"."""
        return split_url(self.base_url).path

    @property
    def decoder_count(self) -> int:
        """How many processes decode beside the console."""
        cores = len(os.sched_getaffinity(0))
        return cores - 1 if self.decoders == "auto" else int(self.decoders)

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state database, with psycopg 3 as PostgreSQL's driver."""
        url = self.database_url or f"sqlite:///{self.instance.resolve() / 'state.sqlite'}"
        return valid.with_psycopg(url)

    @property
    def owner_url(self) -> str:
        """SQLAlchemy URL that migrations use: the owner's, or the app's where there is one role."""
        owner = self.owner_database_url
        return valid.with_psycopg(owner) if owner else self.state_url

    def prepared(self) -> Self:
        """Make the instance folder and its secret key if missing; return the settings with it.

        Raises ConfigError when the folder, or the key in it, cannot be used.
        """
        if (self.instance / JOURNAL).exists():
            raise ConfigError(
                "a restore was interrupted: any `pharos` command finishes or undoes it"
            )
        try:
            self.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
            secret_key = self.secret_key or _kept_secret(self.instance / "secret_key")
        except OSError as error:
            problem = f"cannot be used: {error.strerror}"
            raise ConfigError(f"PHAROS_INSTANCE, {self.instance}, {problem}") from error
        return replace(self, secret_key=secret_key)


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
    secret_key = path.read_text(errors="replace").strip()
    if "\ufffd" in secret_key or valid.secret(secret_key):
        raise ConfigError(f"{path} holds no key: restore it, or delete it to be given another")
    return secret_key


def _parse(setting: Field[Any], text: str) -> tuple[Any, str]:
    """The value of a setting's text, and what is wrong with the text ("" if nothing)."""
    check, default = setting.metadata["check"], setting.default
    if isinstance(default, bool):
        return text in YES, "" if text in YES | NO else "must be 1 or 0"
    if isinstance(default, int):
        return _number(text, least=setting.metadata["least"], most=setting.metadata["most"])
    if isinstance(default, Path):
        return Path(text), ""
    parts = [part.strip() for part in text.split(",")] if isinstance(default, tuple) else [text]
    problems = [problem for part in parts if part and check and (problem := check(part))]
    value = tuple(filter(None, parts)) if isinstance(default, tuple) else text
    return value if setting.name != "base_url" else text.rstrip("/"), "".join(problems[:1])


def _half_given(given: Mapping[str, Any]) -> list[str]:
    """What is wrong with settings that only make sense together."""
    wrong = []
    if "owner_database_url" in given and "database_url" not in given:
        wrong.append("OWNER_DATABASE_URL is set, and DATABASE_URL is not: it takes both")
    if "oidc_issuer" in given:
        needed = {"oidc_client_id": "OIDC_CLIENT_ID", "oidc_client_secret": "OIDC_CLIENT_SECRET"}
        missing = [env for name, env in needed.items() if name not in given]
        if missing:
            wrong.append(f"OIDC_ISSUER is set, and {' and '.join(missing)} not: it takes all three")
        if find_spec("authlib") is None or find_spec("requests") is None:
            wrong.append("OIDC_ISSUER needs two more packages: pip install 'pharos[oidc]'")
    return wrong


def _number(text: str, *, least: int, most: int) -> tuple[int, str]:
    try:
        number = int(text)
    except ValueError:
        return 0, f"must be a whole number, not {text!r}"
    if number < least:
        return number, f"must be {least} or more, not {number}"
    return number, f"must be {most} or less, not {number}" if number > most else ""


def _sentences(wrong: list[str]) -> str:
    if len(wrong) == 1:
        return wrong[0]
    return "\n  ".join([f"{len(wrong)} settings cannot be used:", *wrong])
