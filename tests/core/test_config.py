"""Settings that cannot be used are told in a sentence, and the key of a folder is never weak."""

import re
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from console.cli.main import main, pharos
from console.core.config import Config, ConfigError
from console.core.instances import identity
from console.core.valid import SHORTEST_SECRET


def test_the_folder_and_its_key_are_nobody_elses(tmp_path):
    made = Config(instance=tmp_path / "new").prepared()
    assert len(made.secret_key) >= SHORTEST_SECRET
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert Config(instance=tmp_path / "new").prepared() == made


def test_all_who_start_at_once_get_the_same_whole_key(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        keys = pool.map(lambda _: Config(instance=tmp_path / "new").prepared(), range(64))
    assert len({key.secret_key for key in keys}) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]


@pytest.mark.parametrize("kept", ["", "\n", "short"])
def test_a_key_that_was_cut_is_refused(tmp_path, kept):
    """Everybody could compute the set-up link and sign cookies with an empty one."""
    (tmp_path / "secret_key").write_text(kept)
    with pytest.raises(ConfigError, match="secret_key holds no key: restore it, or delete it"):
        Config(instance=tmp_path).prepared()


def test_a_key_whose_bytes_are_no_text_is_refused(tmp_path):
    (tmp_path / "secret_key").write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(ConfigError, match="secret_key holds no key"):
        Config(instance=tmp_path).prepared()


def test_an_id_that_was_not_written_is_made_anew(tmp_path):
    """An empty name would be that of nobody: two consoles could digest into one database."""
    (tmp_path / "id").write_text("")
    name = identity(tmp_path)
    assert len(name) == 32
    assert identity(tmp_path) == name


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"PHAROS_INSTANCE, .*/file/x, cannot be used: Not a dir"):
        Config(instance=tmp_path / "file" / "x").prepared()


@pytest.mark.parametrize(
    "url", ["https://", "ftp://a", "http://a b", "http://a:99999", "http://a:x", "http://a/?b"]
)
def test_an_address_that_no_link_can_begin_with_is_refused(url):
    with pytest.raises(ConfigError, match="PHAROS_URL must be"):
        Config.from_environ({"PHAROS_URL": url})


@pytest.mark.parametrize("url", ["http://a", "https://a.b:8443/pharos/", "http://[::1]:8000"])
def test_an_address_may_have_port_and_path(url):
    assert Config.from_environ({"PHAROS_URL": url}).base_url == url.rstrip("/")


@pytest.mark.parametrize("env", ["DATABASE_URL", "OWNER_DATABASE_URL"])
def test_a_database_url_that_is_none_is_named_without_its_password(env):
    with pytest.raises(ConfigError, match=f"{env} is not an address of a database") as refused:
        Config.from_environ({env: "postgresql://app:hunter2@host:notaport/pharos"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PHAROS_WEB_THREADS": "0"}, "PHAROS_WEB_THREADS must be 1 or more, not 0"),
        ({"PHAROS_WEB_THREADS": "x"}, "PHAROS_WEB_THREADS must be a whole number, not 'x'"),
        ({"PHAROS_TRUSTED_PROXIES": "99"}, "PHAROS_TRUSTED_PROXIES must be 10 or less, not 99"),
        ({"PHAROS_TELEMETRY_MEMORY_MB": "0"}, "PHAROS_TELEMETRY_MEMORY_MB must be 96 or more"),
        ({"PHAROS_SPOOL_MAX_MB": "-1"}, "PHAROS_SPOOL_MAX_MB must be 1 or more, not -1"),
        ({"PHAROS_HSTS_SUBDOMAINS": "maybe"}, "PHAROS_HSTS_SUBDOMAINS must be 1 or 0"),
        ({"PHAROS_ASSETS": "npm"}, "PHAROS_ASSETS must be auto, local or cdn"),
        ({"SENTRY_DSN": "https://example.com/1"}, "SENTRY_DSN is no DSN: https://key@host/number"),
        ({"SMTP_URL": "mail.example.com:25"}, "SMTP_URL must look like smtp://user:password@host"),
        ({"SMTP_URL": "smtp://a:p/w@host"}, "SMTP_URL must look like smtp://"),
        ({"MAIL_FROM": "pharos"}, "MAIL_FROM must be an e-mail address"),
        ({"MAIL_FROM": "a@b\nBcc: c@d"}, "MAIL_FROM must be an e-mail address"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY_FALLBACKS is shorter than 32 characters"),
        ({"DATABASE_URL": "mysql://a/b"}, "DATABASE_URL must be sqlite:///path or postgresql://"),
        ({"DATABASE_URL": "sqlite://state"}, "DATABASE_URL must have three slashes"),
        (
            {"DATABASE_URL": "postgresql://app:p@ss@host/db"},
            "DATABASE_URL has an @ too many; write",
        ),
        ({"DATABASE_URL": "postgresql://app:p@host"}, "DATABASE_URL names no database"),
        ({"OWNER_DATABASE_URL": "postgresql://o:p@host/db"}, "OWNER_DATABASE_URL is set, and"),
        (
            {"PHAROS_SPOL_MAX_MB": "9"},
            "PHAROS_SPOL_MAX_MB is no setting: did you mean PHAROS_SPOOL_",
        ),
        (
            {"PHAROS_PORT": "9000"},
            "PHAROS_PORT is no setting: give `pharos serve` the option --port",
        ),
        ({"PHAROS_TEA": "1"}, "PHAROS_TEA is no setting"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(environ, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}") as refused:
        Config.from_environ(environ)
    assert "\n" not in str(refused.value).replace(r"\n", "")


def test_all_that_is_wrong_comes_in_one_message():
    with pytest.raises(ConfigError) as refused:
        Config.from_environ({"PHAROS_WEB_THREADS": "0", "MAIL_FROM": "x", "PHAROS_UR": "http://a"})
    assert str(refused.value).splitlines()[0] == "3 settings cannot be used:"
    assert "PHAROS_UR is no setting: did you mean PHAROS_URL?" in str(refused.value)


def test_what_is_right_is_taken():
    given = Config.from_environ(
        {
            "DATABASE_URL": "postgresql://app:p%40ss@[::1]:5432/pharos?sslmode=require",
            "OWNER_DATABASE_URL": "postgres:///pharos?host=/run/postgresql&user=owner",
            "SMTP_URL": "smtps://user:p%40ss@mail.example.com:465",
            "MAIL_FROM": "Pharos <pharos@example.com>",
            "SENTRY_DSN": "https://0123456789abcdef0123456789abcdef@pharos.example.com/1",
            "PHAROS_HSTS_SUBDOMAINS": "1",
            "SECRET_KEY_FALLBACKS": f"{'a' * 32}, {'b' * 32}",
            "PHAROS_PORT_8000_TCP": "tcp://10.0.0.1:8000",
            "PHAROS_SERVICE_HOST": "10.0.0.1",
            "PHAROS_TEST_SHARED": "tests",
        }
    )
    assert given.state_url.startswith("postgresql+psycopg://app:p%40ss@")
    assert (given.hsts_subdomains, len(given.secret_key_fallbacks)) == (True, 2)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (
            "no such table: organization",
            "the database lacks tables or columns, run `pharos migrate`",
        ),
        ("no such column: job_run.failed_organizations", "the database lacks tables or columns"),
        ("column job_run.epoch does not exist", "the database lacks tables or columns, run"),
        ('column "epoch" of relation "job_run" does not exist', "the database lacks tables or"),
        ('relation "organization" does not exist', "the database lacks tables or columns, run"),
        ("disk I/O error", "the database does not answer: disk I/O error"),
    ],
)
def test_only_missing_tables_are_a_matter_of_migrating(monkeypatch, capsys, cause, said):
    def fails(**_options):
        raise OperationalError("SELECT 1", {}, Exception(cause))

    monkeypatch.setattr(pharos, "main", fails)
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith(f"pharos: {said}")


@pytest.mark.parametrize(
    ("free", "said"),
    [(4096, "(PHAROS_INSTANCE) is full\n"), (1 << 30, "whether its disk is read-only or full\n")],
)
def test_a_start_without_room_for_sqlites_files_says_that_the_disk_is_full(
    monkeypatch, capsys, tmp_path, free, said
):
    def fails(**_options):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
        raise error

    monkeypatch.setenv("PHAROS_INSTANCE", str(tmp_path))
    monkeypatch.setattr(pharos, "main", fails)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=free))
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.endswith(said)
