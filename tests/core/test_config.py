"""Settings that cannot be used are told in a sentence, and the key of a folder is never weak."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from console.cli.main import main, pharos
from console.core.config import SHORTEST_SECRET, Config, ConfigError


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
    with pytest.raises(ConfigError, match=f"^{env} is not an address of a database") as refused:
        Config.from_environ({env: "postgresql://app:hunter2@host:notaport/pharos"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("no such table: organization", "the database lacks its tables, run `pharos migrate`"),
        ('relation "organization" does not exist', "the database lacks its tables, run"),
        (
            'FATAL: database "pharos" does not exist',
            "the database does not answer: FATAL: database",
        ),
        ('role "pharos_app" does not exist', "the database does not answer: role"),
    ],
)
def test_only_missing_tables_are_a_matter_of_migrating(monkeypatch, capsys, cause, said):
    def fails(**_options):
        raise OperationalError("SELECT 1", {}, Exception(cause))

    monkeypatch.setattr(pharos, "main", fails)
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith(f"pharos: {said}")
