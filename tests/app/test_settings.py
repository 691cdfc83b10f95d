from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
PREFIX = "# KERAFORGE_"
# Read by the client and the command line.
OF_CLIENTS = {"url", "api_key"}


def examples() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.startswith(PREFIX)]
    pairs = [line.removeprefix(PREFIX).partition("=") for line in lines]
    assert len(pairs) == len({name for name, _, _ in pairs})
    return {name.lower(): value for name, _, value in pairs}


def test_the_example_names_every_setting_and_no_other() -> None:
    assert examples().keys() == Settings.model_fields.keys() | OF_CLIENTS


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    active = tmp_path / ".env"
    active.write_text(
        "\n".join(line.removeprefix("# ") for line in EXAMPLE.read_text().splitlines() if "=" in line)
    )
    assert Settings(_env_file=active) == Settings(_env_file=None)


def test_every_line_of_the_example_is_a_comment() -> None:
    assert [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")] == []


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAFORGE_ALLOWED_HOSTS", "forge.example, forge.lan,")
    monkeypatch.setenv("KERAFORGE_ANONYMOUS_SCOPES", "predict")
    settings = Settings(_env_file=None)
    assert settings.allowed_hosts == ["forge.example", "forge.lan"]
    assert settings.anonymous_scopes == ["predict"]


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "nonsense://x", "redis:6379"])
def test_an_address_that_is_no_broker_is_refused_with_those_that_are(url: str) -> None:
    with pytest.raises(ValidationError, match="redis://, rediss://, amqp://"):
        Settings(_env_file=None, broker_url=url)


def test_no_other_scope_can_be_given_away() -> None:
    with pytest.raises(ValidationError, match="predict"):
        Settings(_env_file=None, anonymous_scopes="admin")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.2", "forge.lan"])
def test_scopes_are_given_away_only_on_a_loopback_address(host: str) -> None:
    with pytest.raises(ValidationError, match="KERAFORGE_ANONYMOUS_SCOPES works only on a loopback address"):
        Settings(_env_file=None, host=host, anonymous_scopes=["predict"])


def test_the_data_folder_is_absolute_wherever_it_is_used_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert Settings(_env_file=None, data_dir="var").data_dir == tmp_path / "var"
    assert Settings(_env_file=None, data_dir="~/var").data_dir == Path("/home/ada/var")


def test_everything_is_in_the_data_folder_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/keraforge.db"
    assert settings.key_file == tmp_path / "api-key"
    other = Settings(_env_file=None, data_dir=tmp_path, database_url="postgresql://db/keraforge")
    assert other.resolved_database_url == "postgresql://db/keraforge"


@pytest.mark.parametrize("url", ["bucket", "s3://", "s3:///", "/shared/folder", "memory://files"])
def test_an_address_at_which_no_files_can_be_shared_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"s3://bucket/folder|in memory"):
        Settings(_env_file=None, files_url=url)
